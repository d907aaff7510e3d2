//! Answers that were learned of the known rows, kept for as long as the rows stay.

use super::{Known, lock};
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, Weak},
};

/// The answers `A` to the `MOST` questions `Q` that were asked last of the same rows.
pub struct Learned<Q, A, const MOST: usize> {
    /// Held while learning, so that a second question for the same answer waits for the first.
    kept: Mutex<Kept<Q, A>>,
}

struct Kept<Q, A> {
    of: Weak<Known>,
    /// The last one asked for is at the end.
    answers: Vec<(Q, Arc<A>)>,
}

impl<Q, A, const MOST: usize> Default for Learned<Q, A, MOST> {
    fn default() -> Self {
        Self { kept: Mutex::new(Kept { of: Weak::new(), answers: Vec::new() }) }
    }
}

impl<Q: PartialEq, A, const MOST: usize> Learned<Q, A, MOST> {
    /// What these rows answer; learned where nobody asked lately.
    pub fn of(&self, known: &Arc<Known>, question: Q, learn: impl FnOnce() -> A) -> Arc<A> {
        let Ok(answer) = self.try_of(known, question, || Ok::<_, Infallible>(learn()));
        answer
    }

    /// The same where learning may fail; what failed is tried again by the next question.
    pub fn try_of<E>(
        &self,
        known: &Arc<Known>,
        question: Q,
        learn: impl FnOnce() -> Result<A, E>,
    ) -> Result<Arc<A>, E> {
        let mut kept = lock(&self.kept);
        if kept.of.as_ptr() != Arc::as_ptr(known) {
            *kept = Kept { of: Arc::downgrade(known), answers: Vec::new() };
        }
        let answer = match kept.answers.iter().position(|(asked, _)| *asked == question) {
            Some(at) => kept.answers.remove(at).1,
            None => Arc::new(learn()?),
        };
        if kept.answers.len() == MOST {
            kept.answers.remove(0);
        }
        kept.answers.push((question, answer.clone()));
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn rows() -> Arc<Known> {
        Arc::new(Known::of(Vec::new()))
    }

    #[test]
    fn an_answer_is_learned_once_for_as_long_as_the_rows_stay() {
        let (learned, times) = (Learned::<u32, u32, 2>::default(), Cell::new(0));
        let ask = |known: &Arc<Known>, question: u32| {
            *learned.of(known, question, || {
                times.set(times.get() + 1);
                question * 10
            })
        };
        let first = rows();
        assert_eq!([ask(&first, 1), ask(&first, 2), ask(&first, 1)], [10, 20, 10]);
        assert_eq!(times.get(), 2);
        // Of three questions the one asked longest ago is forgotten.
        assert_eq!([ask(&first, 3), ask(&first, 1)], [30, 10]);
        assert_eq!(times.get(), 3);
        assert_eq!(ask(&first, 2), 20);
        assert_eq!(times.get(), 4);
        assert_eq!(ask(&rows(), 2), 20);
        assert_eq!(times.get(), 5, "other rows are learned from anew");
    }

    #[test]
    fn what_could_not_be_learned_is_tried_again() {
        let (learned, known) = (Learned::<(), u32, 1>::default(), rows());
        assert_eq!(learned.try_of(&known, (), || Err("no")), Err("no"));
        assert_eq!(learned.try_of(&known, (), || Ok::<_, ()>(7)), Ok(Arc::new(7)));
    }
}
