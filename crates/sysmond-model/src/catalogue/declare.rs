//! How the table is written: a metric by its columns, of which its constant, its documentation and the list of all are
//! made.

macro_rules! catalogue {
    ($($ident:ident = $name:literal, $kind:ident, $unit:ident, $tags:expr, $prometheus:literal, $otel:literal, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub static $ident: Metric = Metric {
                name: $name,
                kind: Kind::$kind,
                unit: Unit::$unit,
                tags: &$tags,
                prometheus: $prometheus,
                opentelemetry: $otel,
                help: $help,
            };
        )*
        /// All metrics, in the order in which people read them.
        pub static CATALOGUE: &[&Metric] = &[$(&$ident),*];
    };
}

pub(super) use catalogue;
