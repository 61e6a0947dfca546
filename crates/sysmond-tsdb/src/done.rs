//! Whom to tell once something waited for is done.

use crate::AppendError;

/// Whom to tell of a write's end; told exactly once, also where the write is forgotten.
pub(crate) struct Done<T>(Option<Callback<T>>);

type Callback<T> = Box<dyn FnOnce(Result<T, AppendError>) + Send>;

impl<T> Done<T> {
    pub(crate) fn new(callback: impl FnOnce(Result<T, AppendError>) + Send + 'static) -> Self {
        Self(Some(Box::new(callback)))
    }

    /// Tells.
    pub(crate) fn tell(mut self, result: Result<T, AppendError>) {
        if let Some(callback) = self.0.take() {
            callback(result);
        }
    }

    /// Forgets the callback: the caller learns of the failure in another way.
    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl<T> Drop for Done<T> {
    fn drop(&mut self) {
        if let Some(callback) = self.0.take() {
            callback(Err(AppendError::Closed));
        }
    }
}
