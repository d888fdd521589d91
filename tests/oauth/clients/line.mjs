// A client that is told what to do on its standard input and answers on its standard output, one JSON object a line.
//
//   {"do": "connect"} or {"do": "call", "name": .., "arguments": ..}, "tools", "tokens", "stale", "close"
//     -> {"done": ..} or {"failed": "..", "status": 401}
//   in between, where a person is needed:
//     -> {"open": URL}       <- {"callback": URL}
//     -> {"elicit": {..}}    <- {"action": "accept"}
//   and at any time, but for tokens' own: {"body": {"url": .., "text": ..}}

import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';

export const settings = JSON.parse(process.env.CLIENT);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);
const hear = async () => {
  const { value, done } = await lines.next();
  if (done) process.exit(0);
  return JSON.parse(value);
};

/// What both SDKs ask of an application: where to keep things, and how to open a browser.
export class Provider {
  #verifier;
  #state;
  #discovered;
  #information = settings.information;
  #tokens;

  /// Only where there is one: a client that has none registers itself or is known beforehand.
  clientMetadataUrl = settings.document;

  get redirectUrl() {
    return settings.redirect;
  }

  get clientMetadata() {
    return {
      client_name: settings.name,
      redirect_uris: [settings.redirect],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      ...(settings.scope ? { scope: settings.scope } : {}),
    };
  }

  state() {
    this.#state = randomBytes(16).toString('hex');
    return this.#state;
  }

  clientInformation() {
    return this.#information;
  }

  saveClientInformation(information) {
    this.#information = information;
  }

  tokens() {
    return this.#tokens;
  }

  saveTokens(tokens) {
    this.#tokens = tokens;
  }

  saveCodeVerifier(verifier) {
    this.#verifier = verifier;
  }

  codeVerifier() {
    return this.#verifier;
  }

  saveDiscoveryState(state) {
    this.#discovered = state;
  }

  discoveryState() {
    return this.#discovered;
  }

  invalidateCredentials(scope) {
    if (scope === 'all' || scope === 'tokens') this.#tokens = undefined;
    if (scope === 'all' || scope === 'discovery') this.#discovered = undefined;
    if (scope === 'all' || scope === 'client') this.#information = settings.information;
  }

  redirectToAuthorization(url) {
    say({ open: String(url) });
  }

  /// As if the access token had run out: the server refuses it, and the SDK has to refresh.
  stale() {
    this.#tokens = { ...this.#tokens, access_token: 'pgwa_of-another-time' };
  }

  /// The parameters that came back, whose `state` the SDKs leave to the application.
  async called() {
    const { callback } = await hear();
    const parameters = new URL(callback).searchParams;
    if (parameters.get('state') !== this.#state) throw new Error('another state came back');
    if (parameters.has('error'))
      throw new Error(`${parameters.get('error')}: ${parameters.get('error_description')}`);
    return parameters;
  }
}

/// Fetches, and tells what came back.
export async function told(url, options) {
  const response = await fetch(url, options);
  const address = String(url);
  if (!new URL(address).pathname.endsWith('/token')) {
    const copy = response.clone();
    copy.text().then(
      (text) => say({ body: { url: address, text } }),
      () => {}, // a stream that was let go
    );
  }
  return response;
}

/// What a client does where the server wants a page opened.
export async function elicited(params) {
  say({ elicit: params });
  return await hear();
}

/// `client` has connect, call, tools, provider and close; `authorized(parameters)` ends an authorization that was begun.
export async function run({ connect, call, tools, provider, authorized, close, unauthorized }) {
  // An SDK throws where a person is needed, and is asked again when it has the tokens.
  const withPerson = async (work) => {
    for (let round = 0; ; round += 1) {
      try {
        return await work();
      } catch (error) {
        if (!unauthorized(error) || round === 2) throw error;
        await authorized(await provider.called());
      }
    }
  };
  const commands = {
    connect: () => withPerson(connect),
    call: ({ name, arguments: given }) => withPerson(() => call({ name, arguments: given })),
    tools: () => withPerson(tools),
    tokens: () => provider.tokens() ?? null,
    stale: () => provider.stale(),
    close,
  };
  for (;;) {
    const command = await hear();
    try {
      say({ done: (await commands[command.do](command)) ?? null });
    } catch (error) {
      say({ failed: String(error?.message ?? error), kind: error?.constructor?.name, status: error?.code ?? null });
    }
    if (command.do === 'close') process.exit(0);
  }
}
