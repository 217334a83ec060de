// Package ignore holds the rules of users: which differences they expect.
//
// A rule selects objects by group, kind, namespace and name, and places in
// them by path, JSON pointer, jq or the manager that wrote them. It may have a
// condition. Rules are input like any other: each is bounded in size, time and
// memory, one that is malformed is told with its place, and the others count.
//
// It does not know how objects are compared, where rules are kept, nor what is
// done about what no rule explains.
package ignore
