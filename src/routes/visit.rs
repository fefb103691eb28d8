//! The model that a request names, and what the request may do with it: every route begins here.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use super::not_found;
use crate::auth::Permission;
use crate::model::Core;
use crate::{Error, Host};

/// A request that reached its model.
pub(crate) struct Visit {
    pub(crate) core: Arc<Core>,
    pub(crate) permission: Permission,
}

impl Visit {
    /// The model of this id, for this request.
    ///
    /// # Errors
    /// The answer to those who may not see it, or to whom it cannot be shown: 403, 404, 503.
    pub(crate) async fn to(host: &Host, parts: &Parts, id: &str) -> Result<Visit, Response> {
        let permission = host.permission(parts, id);
        if permission == Permission::Nothing {
            return Err((StatusCode::FORBIDDEN, "this model is not for you\n").into_response());
        }
        match host.find(id).await {
            Ok(Some(core)) => Ok(Visit { core, permission }),
            Ok(None) => Err(not_found(format_args!("no such model: {id}"))),
            Err(error) => Err(unreadable(&error)),
        }
    }

    pub(crate) fn readonly(&self) -> bool {
        self.permission != Permission::Write
    }
}

/// The store fails: a page comes back later, by itself.
pub(super) fn unreadable(error: &Error) -> Response {
    tracing::error!("{error}");
    (StatusCode::SERVICE_UNAVAILABLE, "the models cannot be read at the moment\n").into_response()
}

impl FromRequestParts<Host> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Visit, Response> {
        let id = id(parts).await?;
        Visit::to(host, parts, &id).await
    }
}

/// The id of a model in the path of a route: the parameter `id`, else the first.
///
/// # Errors
/// When the route has no parameter.
pub(crate) async fn id(parts: &mut Parts) -> Result<String, Response> {
    let parameters = RawPathParams::from_request_parts(parts, &()).await.map_err(IntoResponse::into_response)?;
    let named = parameters.iter().find(|(name, _)| *name == "id");
    let (_, id) = named.or_else(|| parameters.iter().next()).ok_or_else(|| {
        let why = "this route names no model: give its path a parameter, as in /things/{id}\n";
        (StatusCode::INTERNAL_SERVER_ERROR, why).into_response()
    })?;
    Ok(id.to_owned())
}
