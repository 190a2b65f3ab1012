//! `record!` and `keywords!`: one declaration yields the type, its decoder, its list of keys and its JSON Schema.

/// Declares a record of the language. `req` fields must be there, `opt` fields may.
/// The doc comment of a field is its description in the schema and in the language reference.
macro_rules! record {
    (
        $(#[doc = $about:literal])+
        $name:ident, $noun:literal {
            $( $(#[doc = $doc:literal])+ $kind:ident $key:literal $field:ident : $type:ty, )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $name {
            /// The bytes of the record.
            pub span: crate::source::Span,
            $( $(#[doc = $doc])+ pub $field: record!(@type $kind $type), )*
        }

        impl $name {
            /// The record's keys, in the order of the reference.
            pub const KEYS: &'static [&'static str] = &[$($key),*];
        }

        impl $crate::syntax::decode::Decode for $name {
            fn decode(
                node: &$crate::syntax::tree::Node<'_>,
                cx: &mut $crate::syntax::decode::Cx,
            ) -> Option<Self> {
                let reader = $crate::syntax::decode::RecordReader::open(node, $noun, Self::KEYS, cx)?;
                $( let $field = record!(@read $kind reader, $key, cx); )*
                Some(Self { span: node.span, $( $field: $field?, )* })
            }

            fn schema(defs: &mut $crate::syntax::schema::Defs) -> serde_json::Value {
                defs.record(stringify!($name), concat!($($about),+), |defs| {
                    vec![ $( $crate::syntax::schema::Field {
                        key: $key,
                        required: record!(@required $kind),
                        about: concat!($($doc),+),
                        schema: <$type as $crate::syntax::decode::Decode>::schema(defs),
                    } ),* ]
                })
            }
        }
    };
    (@type req $type:ty) => { $type };
    (@type opt $type:ty) => { Option<$type> };
    (@read req $reader:ident, $key:literal, $cx:ident) => { $reader.required($key, $cx) };
    (@read opt $reader:ident, $key:literal, $cx:ident) => { $reader.optional($key, $cx) };
    (@required req) => { true };
    (@required opt) => { false };
}

/// Declares a closed enumeration of words.
macro_rules! keywords {
    (
        $(#[doc = $about:literal])+
        $name:ident, $shape:literal { $( $(#[doc = $doc:literal])+ $variant:ident = $word:literal, )+ }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $( $(#[doc = $doc])+ $variant, )+ }

        impl $name {
            /// The words, in the order of the reference.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word of the language.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl $crate::syntax::decode::Scalar for $name {
            const SHAPE: &'static str = $shape;

            fn parse(text: &str) -> Result<Self, $crate::syntax::decode::Fault> {
                match text {
                    $( $word => Ok(Self::$variant), )+
                    _ => Err($crate::syntax::scalars::unknown_word($shape, text, Self::WORDS)),
                }
            }

            fn schema() -> serde_json::Value {
                let about: &[&str] = &[ $( concat!($($doc),+) ),+ ];
                let about: Vec<&str> = about.iter().map(|text| text.trim()).collect();
                serde_json::json!({ "enum": Self::WORDS, "enumDescriptions": about })
            }
        }

        $crate::syntax::record::scalar!($name);
    };
}

/// Makes a [`Scalar`](super::decode::Scalar) decodable.
macro_rules! scalar {
    ($($name:ty),+ $(,)?) => { $(
        impl $crate::syntax::decode::Decode for $name {
            fn decode(
                node: &$crate::syntax::tree::Node<'_>,
                cx: &mut $crate::syntax::decode::Cx,
            ) -> Option<Self> {
                $crate::syntax::decode::decode_scalar(node, cx)
            }

            fn schema(_: &mut $crate::syntax::schema::Defs) -> serde_json::Value {
                $crate::syntax::schema::titled::<$name>()
            }
        }
    )+ };
}

pub(crate) use {keywords, record, scalar};
