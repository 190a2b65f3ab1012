//! Names of network interfaces as small numbers.

use indexmap::IndexSet;

/// An interface by its number in [`Interfaces`]; never 0, which stands for "no interface".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interface(u16);

impl Interface {
    /// The number, as the fields `Input` and `Output` hold it.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The interface with this number; `None` for 0.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number)) }
    }
}

/// The interfaces that a proof speaks of. Numbers above the last name stand for all other
/// interfaces a machine may have, so "every interface but eth0" needs no list of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    names: IndexSet<String>,
}

impl Interfaces {
    /// No names yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of `name`, given on first use. `None` when all 65,534 numbers are taken.
    pub fn number(&mut self, name: &str) -> Option<Interface> {
        if let Some(found) = self.find(name) {
            return Some(found);
        }
        let number = u16::try_from(self.names.len() + 1).ok()?;
        if number == u16::MAX {
            return None;
        }
        self.names.insert(name.to_owned());
        Some(Interface(number))
    }

    /// The number of `name`, if it has one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Interface> {
        let index = self.names.get_index_of(name)?;
        Interface::from_number(u16::try_from(index + 1).ok()?)
    }

    /// The name of an interface; `None` for one that nobody named.
    #[must_use]
    pub fn name(&self, interface: Interface) -> Option<&str> {
        let index = usize::from(interface.0).checked_sub(1)?;
        self.names.get_index(index).map(String::as_str)
    }

    /// All named interfaces in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (Interface, &str)> {
        (1..).map(Interface).zip(self.names.iter().map(String::as_str))
    }
}
