//! Places for live streams: so many in all, and so many for each caller.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// All places of this process. Clones share them.
#[derive(Clone)]
pub(crate) struct Places {
    limit: usize,
    limit_each: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    of: HashMap<String, usize>,
}

/// One place, free again when this is dropped.
pub(crate) struct Place {
    holder: String,
    taken: Arc<Mutex<Taken>>,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The holder has as many as anybody may have.
    Each,
    /// All are taken.
    All,
}

impl Places {
    pub(crate) fn new(limit: usize, limit_each: usize) -> Self {
        Self { limit, limit_each, taken: Arc::default() }
    }

    /// A place for `holder`, if there is one.
    pub(crate) fn take(&self, holder: &str) -> Result<Place, Full> {
        let mut taken = lock(&self.taken);
        if taken.of.get(holder).is_some_and(|has| *has >= self.limit_each) {
            return Err(Full::Each);
        }
        if taken.all >= self.limit {
            return Err(Full::All);
        }
        taken.all += 1;
        *taken.of.entry(holder.to_owned()).or_default() += 1;
        Ok(Place { holder: holder.to_owned(), taken: Arc::clone(&self.taken) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.all = taken.all.saturating_sub(1);
        if let Some(has) = taken.of.get_mut(&self.holder) {
            *has = has.saturating_sub(1);
            if *has == 0 {
                taken.of.remove(&self.holder);
            }
        }
    }
}

/// Counts are whole at every step, so a thread that panicked left nothing half done.
fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use actix_web::{
        App, HttpMessage,
        dev::ServiceResponse,
        http::StatusCode,
        test::{TestRequest, call_service, init_service, read_body_json},
    };
    use kernel_application::{
        CallContext, Caller, Observation, UseCaseObserver,
        testing::{context, context_of},
    };
    use notification_application::testing::Fixture;
    use serde_json::Value;
    use tokio::sync::watch;
    use utoipa_actix_web::AppExt;

    use super::*;
    use crate::{NotificationRoutes, StreamSettings, routes};

    struct Unobserved;

    impl UseCaseObserver for Unobserved {
        fn observe(&self, _: &CallContext, _: &Observation<'_>) {}
    }

    /// The routes over use cases that turn away whom they do not let in.
    fn state(limit: usize, limit_each: usize) -> NotificationRoutes {
        let (fixture, observer) = (Fixture::default(), Arc::new(Unobserved) as Arc<dyn UseCaseObserver>);
        let settings = StreamSettings { limit, limit_each, ..StreamSettings::default() };
        NotificationRoutes::new(fixture.use_cases().observed(&observer), fixture.arrivals, settings)
    }

    /// `caller` asks for the stream of `user`.
    async fn open(state: &NotificationRoutes, caller: CallContext, user: &str) -> ServiceResponse {
        let stopping = platform_http::Stopping(watch::channel(false).1);
        let app = App::new().app_data(stopping).into_utoipa_app();
        let app = init_service(app.configure(|cfg| routes(cfg, state.clone())).into_app()).await;
        let request = TestRequest::get().uri(&format!("/notifications/stream?user_id={user}")).to_request();
        request.extensions_mut().insert(caller);
        call_service(&app, request).await
    }

    #[actix_web::test]
    async fn nobody_takes_the_places_of_others() {
        let state = state(3, 2);
        let own = async |name: &str| open(&state, context_of(name), name).await;
        let ada = [own("ada").await, own("ada").await];
        assert!(ada.iter().all(|stream| stream.status() == StatusCode::OK));
        let refused = own("ada").await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        let problem: Value = read_body_json(refused).await;
        assert_eq!(problem["code"], "too_many_streams");
        // Whoever is turned away holds no place, neither one of their own nor one of the user they asked for.
        for _ in 0..3 {
            let nobody = context().by(Caller::Anonymous);
            assert_eq!(open(&state, nobody, "bob").await.status(), StatusCode::UNAUTHORIZED);
            assert_eq!(open(&state, context_of("carl"), "bob").await.status(), StatusCode::FORBIDDEN);
        }
        let bob = own("bob").await;
        assert_eq!(bob.status(), StatusCode::OK);
        assert_eq!(own("carl").await.status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(ada);
        assert_eq!(own("ada").await.status(), StatusCode::OK);
    }

    #[actix_web::test]
    async fn where_no_identities_are_asked_for_each_user_has_places() {
        let state = state(9, 1);
        let streams = [open(&state, context(), "ada").await, open(&state, context(), "bob").await];
        assert!(streams.iter().all(|stream| stream.status() == StatusCode::OK));
        assert_eq!(open(&state, context(), "bob").await.status(), StatusCode::TOO_MANY_REQUESTS);
    }

    #[test]
    fn a_place_is_free_again_when_it_is_left() {
        let places = Places::new(3, 2);
        let ada = [places.take("ada"), places.take("ada")];
        assert_eq!(places.take("ada").err(), Some(Full::Each));
        let bob = places.take("bob");
        assert!(bob.is_ok());
        assert_eq!(places.take("bob").err(), Some(Full::All));
        assert_eq!(places.take("ada").err(), Some(Full::Each), "the caller's own limit is said first");
        drop(ada);
        assert!(places.take("ada").is_ok());
        drop(bob);
        assert!(lock(&places.taken).of.is_empty(), "nobody is remembered who has none");
        assert_eq!(lock(&places.taken).all, 0);
    }
}
