//! The one way a portable loop becomes a vector loop: compiled once more with processor features on.

/// Defines kernels that run `$body` inside a function with `$features` enabled.
///
/// Only for modules whose table is handed out after all of `$features` were detected.
macro_rules! instantiate {
    ($features:literal: $(fn $name:ident($($arg:ident: $ty:ty),*) = $body:path;)*) => {$(
        fn $name($($arg: $ty),*) {
            #[target_feature(enable = $features)]
            fn inner($($arg: $ty),*) {
                $body($($arg),*);
            }
            // SAFETY: the table that holds this function is handed out only after the processor was found to
            // have these features.
            unsafe { inner($($arg),*) }
        }
    )*};
}
pub(super) use instantiate;
