//! Who may do what: the one question that every route asks.

mod origin;
mod visitor;

use std::sync::Arc;

use http::Extensions;
use http::HeaderMap;
use http::request::Parts;

pub(crate) use self::origin::is_own_origin;
pub use self::visitor::Visitor;
pub(crate) use self::visitor::recognise;

/// What a request may do with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// See it and write the keys that are not the server's.
    Write,
    /// See it. Writes and messages are refused with a reason.
    Read,
    /// Nothing: 403, and close code 4403.
    Nothing,
}

/// A request that wants something of a model: its fragment, its state, its socket, a write, a command.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The id of the model, which need not exist.
    pub model: &'a str,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// What layers of the application have found out about it: who is logged in, say.
    pub extensions: &'a Extensions,
}

/// The application's answer, for any request.
pub(crate) type Authorise = Arc<dyn Fn(&Request<'_>) -> Permission + Send + Sync>;

impl Request<'_> {
    /// Who asks, where the [visitor layer](crate::Host::visitors) is around the routes.
    pub fn visitor(&self) -> Option<&Visitor> {
        self.extensions.get()
    }
}

/// What this request may do with this model: the one place that decides.
pub(crate) fn permission(authorise: Option<&Authorise>, parts: &Parts, model: &str) -> Permission {
    let request = Request { model, headers: &parts.headers, extensions: &parts.extensions };
    if !Visitor::may(request.visitor(), model) {
        return Permission::Nothing;
    }
    authorise.map_or(Permission::Write, |authorise| authorise(&request))
}
