// Package drift compares desired with live objects: a field-level report with
// class, cause, manager and time. Pure.
//
// Four classes tell what a difference means:
//
//	declared    Git declares the field and live differs: a sync changes it
//	removed     our Apply entry still owns a field that Git dropped: a sync
//	            takes it away
//	undeclared  only live has it, and a client other than us and other than a
//	            known controller put it there: no sync removes it
//	expected    a named rule explains it: a built-in one, or a user's
//
// Values that an API server owns as a whole (atomic lists and maps) are
// declared as a whole: what somebody adds inside them is declared drift.
//
// Blame is a client's name as managedFields tell it. What nobody owns is
// reported with an empty manager: that is what is known.
//
// It does not know where objects come from, when to compare them, nor what is
// done about a difference.
package drift
