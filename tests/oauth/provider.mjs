// npm oidc-provider at https://idp.test: somebody else's OpenID provider, which knows pgwarden as a resource and as a client.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';

import Provider from 'oidc-provider';

import { mcp, origin, tls } from './world.mjs';

export const issuer = 'https://idp.test';
export const client = { client_id: 'some-client', issuer };
export const pgwarden = { id: 'pgwarden', secret: randomBytes(24).toString('hex') };

/// Roles of people by the name that they log in with; any password is right there.
export async function provider(roles, redirect) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'one' };
  const idp = new Provider(issuer, {
    jwks: { keys: [key] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    scopes: ['openid', 'offline_access', 'read', 'write', 'admin', 'approve'],
    claims: { openid: ['sub', 'role'] },
    conformIdTokenClaims: false,
    issueRefreshToken: async (_, one) => one.grantTypeAllowed('refresh_token'),
    extraTokenClaims: (_, token) => ({ role: roles[token.accountId] }),
    findAccount: (_, name) => ({ accountId: name, claims: () => ({ sub: name, role: roles[name] }) }),
    features: {
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => {
          if (resource !== mcp) throw new Error(`there is no ${resource}`);
          return {
            scope: 'read write approve',
            audience: mcp,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'RS256' } },
          };
        },
      },
    },
    clients: [
      {
        client_id: client.client_id,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [redirect],
      },
      {
        client_id: pgwarden.id,
        client_secret: pgwarden.secret,
        redirect_uris: [`${origin}/login/callback`],
      },
    ],
  });
  const faults = [];
  idp.on('server_error', (_, error) => faults.push(error));
  // The package says at its start that its login page is for trying it out, which is what it is here for.
  const options = { cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
  const server = https.createServer(options, idp.callback());
  await new Promise((resolve) => server.listen(443, '127.0.0.2', resolve));
  return { faults, stop: () => server.close() };
}
