/**
 * Placeholders for values that a query is given. Behind a bare `?` SQLite looks at the value where it estimates what a
 * condition or a LIMIT leaves over, and so has to plan the whole query again at each call: 50 µs in place of 3. Into a
 * cast it does not look.
 */
export const NUMBER = 'CAST(? AS INTEGER)'
export const TEXT = 'CAST(? AS TEXT)'
export const BYTES = 'CAST(? AS BLOB)'
