//! Views: what a payload says, by names that the compiler knows instead of
//! paths that it does not.
//!
//! ```text
//! view! { CstIssuance<'a> { Option<&'a str>: token_hash, job = "claims.mission_id"; } }
//! CstIssuance::of(payload).job()
//! ```
//!
//! A view borrows an admitted payload and copies nothing: members that it does
//! not name are still there, and the bytes are those that were signed. What is
//! absent reads as `None` or as an empty list, and so does every member of a
//! part that is absent. A test asks each path of the shape of its kind.

use std::marker::PhantomData;

use crate::artifact::json::Value;
use crate::artifact::node::{Node, Nodes};

/// Some members of one value, by name.
pub(crate) trait View<'a>: Copy {
    #[cfg(test)]
    const MEMBERS: &'static [Member];

    /// The view of this value; of nothing where it is absent.
    fn of(value: impl Viewed<'a>) -> Self;

    /// All of it, as it was signed.
    fn value(self) -> Option<Node<'a>>;
}

/// What a view can be of: a value, or nothing.
pub(crate) trait Viewed<'a> {
    fn node(self) -> Option<Node<'a>>;
}

impl<'a> Viewed<'a> for Node<'a> {
    fn node(self) -> Option<Self> {
        Some(self)
    }
}

impl<'a> Viewed<'a> for &'a Value<'a> {
    fn node(self) -> Option<Node<'a>> {
        Some(Node::Tree(self))
    }
}

impl<'a, V: Viewed<'a>> Viewed<'a> for Option<V> {
    fn node(self) -> Option<Node<'a>> {
        self.and_then(V::node)
    }
}

/// What a member is read as.
pub(crate) trait Read<'a> {
    #[cfg(test)]
    const SORT: Sort;

    fn read(value: Option<Node<'a>>) -> Self;
}

/// Defines views: what members are read as, their names, and their paths where
/// these are others.
macro_rules! view {
    (path $member:ident) => { stringify!($member) };
    (path $member:ident $path:literal) => { $path };
    ($($(#[$doc:meta])* $View:ident<$a:lifetime> {
        $($As:ty: $($member:ident $(= $path:literal)?),+;)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $View<$a>(Option<$crate::artifact::node::Node<$a>>);

        impl<$a> $crate::artifact::view::View<$a> for $View<$a> {
            #[cfg(test)]
            const MEMBERS: &'static [$crate::artifact::view::Member] = &[$($((
                $crate::artifact::view::view!(path $member $($path)?),
                <$As as $crate::artifact::view::Read<$a>>::SORT,
            )),+),*];

            fn of(value: impl $crate::artifact::view::Viewed<$a>) -> Self {
                $View(value.node())
            }

            fn value(self) -> Option<$crate::artifact::node::Node<$a>> {
                self.0
            }
        }

        impl<$a> $crate::artifact::view::Read<$a> for $View<$a> {
            #[cfg(test)]
            const SORT: $crate::artifact::view::Sort =
                $crate::artifact::view::Sort::Part(<$View<$a> as $crate::artifact::view::View<$a>>::MEMBERS);

            fn read(value: Option<$crate::artifact::node::Node<$a>>) -> Self {
                $View(value)
            }
        }

        impl<$a> $View<$a> {
            $($(pub(crate) fn $member(self) -> $As {
                static PATH: $crate::artifact::node::Path =
                    $crate::artifact::node::Path::new($crate::artifact::view::view!(path $member $($path)?));
                $crate::artifact::view::Read::read(self.0.and_then(|value| value.along(&PATH)))
            })+)*
        }
    )*};
}

pub(crate) use view;

/// The texts of a list, in order.
#[derive(Clone, Debug)]
pub(crate) struct Texts<'a>(Nodes<'a>);

impl<'a> Iterator for Texts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.0.find_map(Node::as_str)
    }
}

/// The elements of a list, each in its view.
#[derive(Clone, Debug)]
pub(crate) struct Rows<'a, V>(Nodes<'a>, PhantomData<V>);

impl<'a, V: View<'a>> Iterator for Rows<'a, V> {
    type Item = V;

    fn next(&mut self) -> Option<V> {
        self.0.next().map(V::of)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<'a, V: View<'a>> ExactSizeIterator for Rows<'a, V> {}

fn elements(value: Option<Node<'_>>) -> Nodes<'_> {
    value.and_then(Node::elements).unwrap_or_default()
}

/// Says how each type is read, and what a test takes it for.
macro_rules! reads {
    ($([$($of:tt)*] $As:ty, $sort:expr, $read:expr;)*) => {
        $(impl<'a, $($of)*> Read<'a> for $As {
            #[cfg(test)]
            const SORT: Sort = $sort;

            fn read(value: Option<Node<'a>>) -> Self {
                $read(value)
            }
        })*
    };
}

reads! {
    [] Option<Node<'a>>, Sort::Any, |value| value;
    [] Option<&'a str>, Sort::Text, |value: Option<Node<'a>>| value?.as_str();
    [] Option<i64>, Sort::Integer, |value: Option<Node<'a>>| value?.as_i64();
    [] Option<u64>, Sort::Integer, |value: Option<Node<'a>>| u64::try_from(value?.as_i64()?).ok();
    [] Option<bool>, Sort::Truth, |value: Option<Node<'a>>| value?.as_bool();
    [] Nodes<'a>, Sort::List, elements;
    [] Texts<'a>, Sort::Texts, |value| Texts(elements(value));
    [] Option<Texts<'a>>, Sort::Texts, |value: Option<Node<'a>>| value.map(|value| Texts(elements(Some(value))));
    [V: View<'a>] Rows<'a, V>, Sort::Rows(V::MEMBERS), |value| Rows(elements(value), PhantomData);
}

/// A path, and what it is read as.
#[cfg(test)]
pub(crate) type Member = (&'static str, Sort);

#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sort {
    Any,
    Text,
    Integer,
    Truth,
    List,
    Texts,
    Part(&'static [Member]),
    Rows(&'static [Member]),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::audit_roots::AuditRoots;
    use crate::artifact::binds::AppRef;
    use crate::artifact::json::Object;
    use crate::artifact::kind::{Kind, Voice};
    use crate::artifact::kinds::Payload;
    use crate::artifact::proof_bundle::OwnReceipt;
    use crate::artifact::shape::{Shape, object, optional};

    /// What stands at a member of a shape; `None` where that is somebody
    /// else's business and may be anything.
    type Found = Option<&'static Shape>;

    fn member(shape: &'static Shape, name: &str) -> Vec<Found> {
        match shape {
            Shape::Object { fields, open } => match fields.iter().find(|field| field.name == name) {
                Some(field) => vec![Some(field.shape)],
                None => {
                    if *open {
                        vec![None]
                    } else {
                        Vec::new()
                    }
                }
            },
            Shape::ByField { cases, .. } => cases.iter().flat_map(|(_, case)| member(case, name)).collect(),
            Shape::Nullable(of) => member(of, name),
            Shape::Opaque | Shape::OpaqueObject { .. } => vec![None],
            _ => Vec::new(),
        }
    }

    fn at(shapes: &[Found], path: &str) -> Vec<Found> {
        path.split('.').fold(shapes.to_vec(), |shapes, name| {
            shapes.into_iter().flat_map(|shape| shape.map_or(vec![None], |shape| member(shape, name))).collect()
        })
    }

    fn element(shape: &Found) -> Vec<Found> {
        match shape {
            Some(Shape::Array { of, .. }) => vec![Some(of)],
            Some(Shape::Nullable(of)) => element(&Some(of)),
            Some(_) => Vec::new(),
            None => vec![None],
        }
    }

    fn is_read(sort: Sort, shape: &Found) -> bool {
        let Some(shape) = shape else { return true };
        match (sort, shape) {
            (_, Shape::Nullable(of)) => is_read(sort, &Some(of)),
            (Sort::Any | Sort::Part(_), _) => true,
            (Sort::Text, shape) => matches!(shape, Shape::Text(_) | Shape::Enum(_)),
            (Sort::Integer, shape) => matches!(shape, Shape::Integer { .. } | Shape::Number { .. }),
            (Sort::Truth, shape) => matches!(shape, Shape::Bool | Shape::Exactly(_)),
            (Sort::List | Sort::Rows(_), shape) => matches!(shape, Shape::Array { .. }),
            (Sort::Texts, Shape::Array { of, .. }) => is_read(Sort::Text, &Some(of)),
            (Sort::Texts, _) => false,
        }
    }

    /// Members that none of the shapes has, or not as they are read.
    fn strange(shapes: &[Found], members: &[Member]) -> Vec<String> {
        let mut strange = Vec::new();
        for (path, sort) in members {
            let mut found = at(shapes, path);
            found.retain(|shape| is_read(*sort, shape));
            if found.is_empty() {
                strange.push((*path).to_owned());
            }
            let below = match sort {
                Sort::Part(members) => self::strange(&found, members),
                Sort::Rows(members) => self::strange(&found.iter().flat_map(element).collect::<Vec<_>>(), members),
                _ => Vec::new(),
            };
            strange.extend(below.into_iter().map(|name| format!("{path}.{name}")));
        }
        strange
    }

    fn shapes(kind: Kind) -> Vec<Found> {
        kind.row().forms.iter().map(|form| Some(form.payload)).collect()
    }

    #[test]
    fn every_path_of_a_view_is_a_member_of_its_kinds_shape() {
        for kind in Kind::ALL {
            assert_eq!(strange(&shapes(kind), Payload::members(kind)), Vec::<String>::new(), "{kind}");
        }
    }

    #[test]
    fn every_path_of_a_row_is_a_member_of_its_kinds_shape() {
        for kind in Kind::ALL {
            let row = kind.row();
            let mut named: Vec<Member> =
                row.id_given_once.iter().chain(row.ids).map(|path| (*path, Sort::Text)).collect();
            match row.voice {
                Voice::Agent(member) => named.push((member, Sort::Text)),
                Voice::Observer => named.extend([("instance", Sort::Text), ("channel", Sort::Text)]),
                Voice::Listed(list) => {
                    let roots = shapes(Kind::AuditRoots);
                    assert_eq!(strange(&roots, &[(list, Sort::Texts)]), Vec::<String>::new(), "{kind}");
                }
                Voice::Approver(member) => named.push((member, Sort::Text)),
                Voice::Operator | Voice::Wrapper => {}
            }
            named.extend(row.facts.iter().map(|(_, path)| (*path, Sort::Any)));
            named.extend(row.summary.iter().map(|(_, path)| (*path, Sort::Text)));
            named.extend(row.about.instance.map(|path| (path, Sort::Text)));
            named.extend(row.about.app.map(|path| (path, Sort::Part(AppRef::MEMBERS))));
            named.extend(row.about.change.into_iter().flatten().map(|path| (path, Sort::Text)));
            named.extend(row.about.revisions.iter().map(|path| (*path, Sort::List)));
            assert_eq!(strange(&shapes(kind), &named), Vec::<String>::new(), "{kind}");
        }
    }

    /// Two are names that older peers give to bare receipts.
    #[test]
    fn every_path_of_a_receipt_of_an_agents_own_is_a_member_of_one_of_three_shapes() {
        let own = [Kind::ToolReceipt, Kind::SideEffectReceipt, Kind::HumanApprovalReceipt];
        let shapes: Vec<_> = own.into_iter().flat_map(shapes).collect();
        assert_eq!(strange(&shapes, OwnReceipt::MEMBERS), ["target_digest", "request_digest"]);
    }

    #[test]
    fn a_path_that_the_shape_does_not_have_is_named() {
        view! {
            Inner<'a> { Option<&'a str>: there, gone; }
            Outer<'a> {
                Inner<'a>: one;
                Rows<'a, Inner<'a>>: many;
                Option<i64>: count = "one.there";
                Option<bool>: open = "open.any";
            }
        }
        const TEXT: Shape = Shape::Text(crate::artifact::shape::Text::Did);
        const ONE: Shape = object(&[optional("there", &TEXT)]);
        const SHAPE: Shape = object(&[
            optional("one", &ONE),
            optional("many", &Shape::Array { of: &ONE, min: 0, max: 1 }),
            optional("open", &Shape::Opaque),
        ]);
        assert_eq!(strange(&[Some(&SHAPE)], Outer::MEMBERS), ["one.gone", "many.gone", "one.there"]);
        let (outer, value) = (Outer::of(None::<Node>), Value::Object(Object::new()));
        assert_eq!((outer.one().gone(), outer.many().len(), outer.count(), outer.open()), (None, 0, None, None));
        assert_eq!(Inner::of(&value).there(), None);
    }

    #[test]
    fn rows_and_texts_are_read_in_order_and_what_is_no_text_is_passed_over() {
        let text = br#"{"policy_signers":["a",1,"b"],"humans":[{"instance":"x","username":"u"},{}]}"#;
        let value = crate::artifact::json::parse(text, 8).expect("JSON");
        let roots = AuditRoots::of(&value);
        assert!(roots.list("policy_signers").eq(["a", "b"]));
        let humans: Vec<_> = roots.humans().map(|human| (human.instance(), human.username())).collect();
        assert_eq!(humans, [(Some("x"), Some("u")), (None, None)]);
    }
}
