// Package doubt tells which verdicts only the API server can confirm, and what
// its answer means.
//
// A difference is in doubt where nobody but us wrote the field: then the server
// itself stored something else than it was sent, as mutating webhooks,
// conversions and normalising types do, and no sync will ever change it. It is
// in doubt as well where nothing is known of a kind's structure.
//
//	who owns the field | schema | what the server would store | the difference is
//	-------------------|--------|-----------------------------|------------------
//	another            | known  | not asked                   | as compared
//	our Apply entry    | any    | what live has               | expected, by server
//	any                | none   | what live has               | expected, by server
//	our Apply entry    | any    | something else              | as compared
//	our Apply entry    | any    | nobody could be asked       | as compared, with the reason
//
// It does not know how a server is asked, nor what a sync will do.
package doubt
