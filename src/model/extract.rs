//! A model as an argument of a handler: the one whose id is in the path.

use axum::extract::{FromRef, FromRequestParts};
use axum::response::Response;
use http::request::Parts;

use super::Model;
use crate::Host;
use crate::routes::{Visit, id};
use crate::state::State;

/// The model that the path names, by its parameter `id` or its first one, with the same access rule as every other
/// route.
///
/// ```
/// use anywidget_host::{Host, Model, View, Widget};
/// use axum::{Router, routing::post};
///
/// #[derive(Clone, Default, Widget)]
/// #[widget(esm = "export default {}")]
/// struct Counter {
///     count: i64,
/// }
///
/// async fn reset(counter: Model<Counter>) -> View {
///     counter.set(Counter::default());
///     counter.view()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> anywidget_host::Result<()> {
/// let host = Host::builder().widget(Counter::widget()).build().await?;
/// let app: Router = Router::new().route("/counters/{id}/reset", post(reset)).with_state(host);
/// # Ok(())
/// # }
/// ```
///
/// Answers 403 when the request may do nothing with the model, 404 when there is none of this id and type, 503 when the
/// store cannot be read. What a handler does with it is not limited to what the request's visitor may.
impl<S, W> FromRequestParts<S> for Model<W>
where
    Host: FromRef<S>,
    S: Sync,
    W: State,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Model<W>, Response> {
        let id = id(parts).await?;
        let Visit { core, .. } = Visit::to(&Host::from_ref(state), parts, &id).await?;
        match core.state().is::<W>() {
            true => Ok(Model::new(core)),
            false => Err(crate::routes::not_found(format_args!("no such model: {id}"))),
        }
    }
}
