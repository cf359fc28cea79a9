//! Async closures whose futures may move between threads.

/// An async closure from `T` to `R` that can name its future, so that a bound can ask the future to be [`Send`].
///
/// The language has no stable way to say that of `AsyncFnOnce` alone. Every async closure that qualifies is one; nobody
/// implements this by hand.
pub trait AsyncFunc<T, R>: AsyncFnOnce(T) -> R + FnOnce(T) -> <Self as AsyncFunc<T, R>>::Future {
    /// What a call gives.
    type Future: Future<Output = R>;
}

impl<F, T, R, Fut> AsyncFunc<T, R> for F
where
    F: AsyncFnOnce(T) -> R + FnOnce(T) -> Fut,
    Fut: Future<Output = R>,
{
    type Future = Fut;
}
