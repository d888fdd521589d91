//! As much of a browser as the pages need: cookies, forms, and the headers that say where a request came from.

use std::collections::BTreeMap;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, header};

pub struct Browser {
    client: Client,
    pub origin: String,
    pub cookies: BTreeMap<String, String>,
    /// Sent instead of those that a browser would send.
    pub headers: Vec<(&'static str, String)>,
}

pub struct Page {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub text: String,
}

/// A form of a page: where it goes, and its fields as they are.
#[derive(Clone, Debug)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Browser {
    pub fn new(origin: &str) -> Self {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { client, origin: origin.to_owned(), cookies: BTreeMap::new(), headers: Vec::new() }
    }

    pub async fn open(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, None).await
    }

    /// As the page's own form is sent.
    pub async fn submit(&mut self, form: &Form) -> Page {
        let headers = std::mem::take(&mut self.headers);
        let own = [("origin", self.origin.clone()), ("sec-fetch-site", "same-origin".to_owned())];
        self.headers = if headers.is_empty() { own.into() } else { headers };
        let page = self.send(Method::POST, &form.action, Some(&form.fields)).await;
        self.headers.clear();
        page
    }

    pub async fn send(&mut self, method: Method, path: &str, fields: Option<&[(String, String)]>) -> Page {
        let mut request = self.client.request(method, format!("{}{path}", self.origin));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        if let Some(fields) = fields {
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let response = request.send().await.unwrap();
        let headers = response.headers().clone();
        for set in headers.get_all("set-cookie") {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page { status: response.status().as_u16(), headers, text: response.text().await.unwrap() }
    }

    /// Through the login page, to where it leads on.
    pub async fn log_in(&mut self, path: &str, role: &str, password: &str) -> Page {
        let form = self.open(path).await.form("/login").with("role", role).with("password", password);
        self.submit(&form).await
    }
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where it redirects to.
    pub fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.text);
        self.header("location")
    }

    pub fn forms(&self) -> Vec<Form> {
        self.text
            .split("<form")
            .skip(1)
            .map(|rest| Form::read(rest.split("</form>").next().unwrap()))
            .collect()
    }

    pub fn form(&self, action: &str) -> Form {
        let found = self.forms().into_iter().find(|form| form.action == action);
        found.unwrap_or_else(|| panic!("no form for {action}: {} {}", self.status, self.text))
    }
}

impl Form {
    fn read(html: &str) -> Self {
        let action = attribute(html.split('>').next().unwrap(), "action").unwrap();
        let inputs = html.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap());
        let named =
            |input: &str| Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default()));
        Self { action, fields: inputs.filter_map(named).collect() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn field(&self, name: &str) -> &str {
        &self.fields.iter().find(|(field, _)| field == name).unwrap_or_else(|| panic!("no {name}")).1
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split_once(&format!(" {name}=\""))?.1.split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}
