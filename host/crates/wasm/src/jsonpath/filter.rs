//! Filters: `[?@.age > 17 && @.name]` (RFC 9535, 2.3.5).

use std::cmp::Ordering;

use jsonpath_rust::parser::model::{
    Comparable, Comparison, Filter, FilterAtom, FnArg, Literal, SingularQuery,
    SingularQuerySegment, Test, TestFunction,
};
use torana_core::entity::Tree;

use super::{
    QueryError,
    find::{Walk, position},
};

/// One side of a comparison. Text and containers stay where they are.
#[derive(Debug, Clone, Copy)]
enum Operand<'a> {
    /// A query that finds no value, or a function without result.
    Nothing,
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(&'a str),
    Container(&'a Tree),
}

impl<'a> Operand<'a> {
    fn of(tree: &'a Tree) -> Self {
        match tree {
            Tree::Null => Self::Null,
            Tree::Bool(bool) => Self::Bool(*bool),
            Tree::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Self::Integer(integer),
                (None, float) => float.map_or(Self::Nothing, Self::Float),
            },
            Tree::String(text) => Self::Text(text),
            Tree::Array(_) | Tree::Object(_) => Self::Container(tree),
        }
    }

    fn of_literal(literal: &'a Literal) -> Self {
        match literal {
            Literal::Int(integer) => Self::Integer(*integer),
            Literal::Float(float) => Self::Float(*float),
            Literal::String(text) => Self::Text(text),
            Literal::Bool(bool) => Self::Bool(*bool),
            Literal::Null => Self::Null,
        }
    }

    /// Numbers and texts have an order, nothing else (RFC 9535, 2.3.5.2.2).
    #[expect(clippy::cast_precision_loss, reason = "a float is on the other side")]
    fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(&b)),
            (Self::Integer(a), Self::Float(b)) => (a as f64).partial_cmp(&b),
            (Self::Float(a), Self::Integer(b)) => a.partial_cmp(&(b as f64)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

impl<'a> Walk<'a> {
    /// Whether a filter lets a value through.
    pub(super) fn accepts(
        &mut self,
        filter: &'a Filter,
        value: &'a Tree,
    ) -> Result<bool, QueryError> {
        match filter {
            Filter::Or(all) => {
                for one in all {
                    if self.accepts(one, value)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Filter::And(all) => {
                for one in all {
                    if !self.accepts(one, value)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Filter::Atom(FilterAtom::Filter { expr, not }) => {
                Ok(self.accepts(expr, value)? != *not)
            }
            Filter::Atom(FilterAtom::Test { expr, not }) => Ok(self.holds(expr, value)? != *not),
            Filter::Atom(FilterAtom::Comparison(comparison)) => self.compares(comparison, value),
        }
    }

    fn holds(&mut self, test: &'a Test, value: &'a Tree) -> Result<bool, QueryError> {
        Ok(match test {
            Test::RelQuery(segments) => !self.values(value, segments)?.is_empty(),
            Test::AbsQuery(query) => !self.values(self.root, &query.segments)?.is_empty(),
            Test::Function(function) => {
                matches!(self.function(function, value)?, Operand::Bool(true))
            }
        })
    }

    fn compares(
        &mut self,
        comparison: &'a Comparison,
        value: &'a Tree,
    ) -> Result<bool, QueryError> {
        let (left, right) = comparison.vals();
        let (left, right) = (self.operand(left, value)?, self.operand(right, value)?);
        let order = |walk: &mut Self| {
            if let (Operand::Text(a), Operand::Text(b)) = (left, right) {
                walk.charge_text(a.len().min(b.len()))?;
            }
            Ok(left.order(right))
        };
        Ok(match comparison {
            Comparison::Eq(..) => self.equal(left, right)?,
            Comparison::Ne(..) => !self.equal(left, right)?,
            Comparison::Lt(..) => order(self)? == Some(Ordering::Less),
            Comparison::Gt(..) => order(self)? == Some(Ordering::Greater),
            Comparison::Lte(..) => {
                order(self)? == Some(Ordering::Less) || self.equal(left, right)?
            }
            Comparison::Gte(..) => {
                order(self)? == Some(Ordering::Greater) || self.equal(left, right)?
            }
        })
    }

    fn equal(&mut self, left: Operand<'a>, right: Operand<'a>) -> Result<bool, QueryError> {
        self.charge(1)?;
        Ok(match (left, right) {
            (Operand::Nothing, Operand::Nothing) | (Operand::Null, Operand::Null) => true,
            (Operand::Bool(a), Operand::Bool(b)) => a == b,
            (Operand::Container(Tree::Array(a)), Operand::Container(Tree::Array(b))) => {
                a.len() == b.len() && self.all_equal(a.iter().zip(b))?
            }
            (Operand::Container(Tree::Object(a)), Operand::Container(Tree::Object(b))) => {
                // Sorted by key.
                a.len() == b.len()
                    && a.keys().eq(b.keys())
                    && self.all_equal(a.values().zip(b.values()))?
            }
            (Operand::Text(a), Operand::Text(b)) => {
                self.charge_text(a.len().min(b.len()))?;
                a == b
            }
            _ => left.order(right) == Some(Ordering::Equal),
        })
    }

    fn all_equal(
        &mut self,
        pairs: impl Iterator<Item = (&'a Tree, &'a Tree)>,
    ) -> Result<bool, QueryError> {
        for (a, b) in pairs {
            if !self.equal(Operand::of(a), Operand::of(b))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Long texts count as many values.
    fn charge_text(&mut self, bytes: usize) -> Result<(), QueryError> {
        self.charge(bytes / 64)
    }

    fn operand(
        &mut self,
        comparable: &'a Comparable,
        value: &'a Tree,
    ) -> Result<Operand<'a>, QueryError> {
        self.charge(1)?;
        Ok(match comparable {
            Comparable::Literal(literal) => Operand::of_literal(literal),
            Comparable::Function(function) => self.function(function, value)?,
            Comparable::SingularQuery(query) => {
                let (from, steps) = match query {
                    SingularQuery::Current(steps) => (value, steps),
                    SingularQuery::Root(steps) => (self.root, steps),
                };
                steps.iter().try_fold(from, down).map_or(Operand::Nothing, Operand::of)
            }
        })
    }

    fn function(
        &mut self,
        function: &'a TestFunction,
        value: &'a Tree,
    ) -> Result<Operand<'a>, QueryError> {
        Ok(match function {
            TestFunction::Length(argument) => match self.argument(argument, value)? {
                Operand::Text(text) => {
                    self.charge_text(text.len())?;
                    number(text.chars().count())
                }
                Operand::Container(Tree::Array(items)) => number(items.len()),
                Operand::Container(Tree::Object(map)) => number(map.len()),
                _ => Operand::Nothing,
            },
            TestFunction::Count(FnArg::Test(test)) => number(self.nodes(test, value)?.len()),
            TestFunction::Value(argument) => self.argument(argument, value)?,
            TestFunction::Match(text, pattern) => self.matches(text, pattern, true, value)?,
            TestFunction::Search(text, pattern) => self.matches(text, pattern, false, value)?,
            TestFunction::Count(_) | TestFunction::Custom(..) => Operand::Nothing,
        })
    }

    fn matches(
        &mut self,
        text: &'a FnArg,
        pattern: &'a FnArg,
        whole: bool,
        value: &'a Tree,
    ) -> Result<Operand<'a>, QueryError> {
        let Operand::Text(text) = self.argument(text, value)? else {
            return Ok(Operand::Bool(false));
        };
        // Expressions take time in proportion to the text, some more than a comparison.
        self.charge(1 + text.len() / 4)?;
        let regex = self.query.patterns.get(pattern, whole);
        Ok(Operand::Bool(regex.is_some_and(|regex| regex.is_match(text))))
    }

    fn argument(
        &mut self,
        argument: &'a FnArg,
        value: &'a Tree,
    ) -> Result<Operand<'a>, QueryError> {
        Ok(match argument {
            FnArg::Literal(literal) => Operand::of_literal(literal),
            FnArg::Test(test) => match &**test {
                Test::Function(function) => self.function(function, value)?,
                test => match self.nodes(test, value)?[..] {
                    [only] => Operand::of(only),
                    _ => Operand::Nothing,
                },
            },
            FnArg::Filter(filter) => Operand::Bool(self.accepts(filter, value)?),
        })
    }

    fn nodes(&mut self, test: &'a Test, value: &'a Tree) -> Result<Vec<&'a Tree>, QueryError> {
        let nodes = match test {
            Test::RelQuery(segments) => self.values(value, segments)?,
            Test::AbsQuery(query) => self.values(self.root, &query.segments)?,
            Test::Function(_) => Vec::new(),
        };
        Ok(nodes.into_iter().map(|node| node.value).collect())
    }
}

fn down<'a>(tree: &'a Tree, step: &SingularQuerySegment) -> Option<&'a Tree> {
    match step {
        SingularQuerySegment::Name(name) => tree.as_object()?.get(name),
        SingularQuerySegment::Index(index) => {
            let items = tree.as_array()?;
            items.get(position(*index, items.len())?)
        }
    }
}

fn number<'a>(count: usize) -> Operand<'a> {
    i64::try_from(count).map_or(Operand::Nothing, Operand::Integer)
}
