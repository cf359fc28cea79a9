//! Comparisons of whole rows, as in `(price, id) > ($1, $2)`: PostgreSQL finds their start in an index on both columns,
//! however many rows have the same price.

use diesel::pg::Pg;

diesel::infix_operator!(RowAfter, " > ", backend: Pg);
diesel::infix_operator!(RowBefore, " < ", backend: Pg);
