//! Things by their code, each once, found by their index from then on.

use std::collections::HashMap;
use std::sync::Arc;

/// Things by their code, in the order in which the file names them.
#[derive(Debug)]
pub struct Table<T> {
    by_code: HashMap<Arc<str>, u32>,
    /// The things.
    pub list: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { by_code: HashMap::new(), list: Vec::new() }
    }
}

impl<T> Table<T> {
    /// The index of the thing with this code.
    #[must_use]
    pub fn index(&self, code: &str) -> Option<u32> {
        self.by_code.get(code).copied()
    }

    /// The index of the thing with this code, which is made if it is not there, and there is room.
    pub(super) fn enter(
        &mut self,
        code: &str,
        max: usize,
        make: impl FnOnce(Arc<str>) -> T,
    ) -> Option<u32> {
        if let Some(index) = self.index(code) {
            return Some(index);
        }
        let index = u32::try_from(self.list.len()).ok().filter(|index| (*index as usize) < max)?;
        let code: Arc<str> = code.into();
        self.by_code.insert(code.clone(), index);
        self.list.push(make(code));
        Some(index)
    }

    /// The thing at an index that this table gave.
    #[must_use]
    pub fn at(&self, index: u32) -> &T {
        &self.list[index as usize]
    }

    pub(super) fn at_mut(&mut self, index: u32) -> &mut T {
        &mut self.list[index as usize]
    }
}
