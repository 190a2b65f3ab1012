//! Typed numbers of the things of a site, and tables indexed by them.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A number that is an index of one kind of table.
pub trait Id: Copy + Ord {
    /// The id of an index.
    fn new(index: usize) -> Self;
    /// The index of the id.
    fn index(self) -> usize;
}

macro_rules! ids {
    ($($(#[doc = $about:literal])+ $name:ident),+ $(,)?) => { $(
        $(#[doc = $about])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(u32);

        impl Id for $name {
            fn new(index: usize) -> Self {
                Self(index as u32)
            }

            fn index(self) -> usize {
                self.0 as usize
            }
        }
    )+ };
}

ids! {
    /// An outside network.
    NetworkId,
    /// A zone.
    ZoneId,
    /// A segment.
    SegmentId,
    /// A gateway (packet filter).
    GatewayId,
    /// A Kubernetes cluster.
    ClusterId,
    /// A namespace of a cluster.
    NamespaceId,
    /// A component.
    ComponentId,
    /// A group.
    GroupId,
    /// A flow.
    FlowId,
    /// An uplink.
    UplinkId,
    /// A platform.
    PlatformId,
    /// A deviation.
    DeviationId,
}

/// A list whose elements are known by typed ids, in model order: by name, so that the order of keys and files changes nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table<I, T> {
    items: Vec<T>,
    id: PhantomData<I>,
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Self { items: Vec::new(), id: PhantomData }
    }
}

impl<I: Id, T> Table<I, T> {
    /// Adds an element and gives its id.
    pub fn push(&mut self, item: T) -> I {
        self.items.push(item);
        I::new(self.items.len() - 1)
    }

    /// Ids with their elements, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.items.iter().enumerate().map(|(index, item)| (I::new(index), item))
    }

    /// The ids in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + use<I, T> {
        (0..self.items.len()).map(I::new)
    }

    /// The elements in order.
    pub fn values(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl<I: Id, T> Index<I> for Table<I, T> {
    type Output = T;

    fn index(&self, id: I) -> &T {
        &self.items[id.index()]
    }
}

impl<I: Id, T> IndexMut<I> for Table<I, T> {
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.index()]
    }
}
