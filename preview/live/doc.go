// Package live asks clusters what a change would come to there: which of its
// objects they would refuse, which hand edits it would overwrite, what has
// drifted already, and where it has no effect.
//
// It reads the live object, compares it with both sides of the change by the
// rules of drift, and has the cluster rehearse what a sync would send. Nothing
// is changed. Where nobody can be asked, that is the verdict, with the reason;
// a cluster that is silent takes nothing from the others.
//
//	live object       | the cluster's answer    | verdict
//	------------------|-------------------------|---------------------------------
//	as head says      | not asked               | already-so
//	another's         | not asked               | rejected, by its owner
//	any               | immutable, Force=true   | recreate
//	any               | refuses                 | rejected, by what refuses
//	any               | needs what is created   | later
//	edited by a hand  | takes it                | overwrite
//	differs from base | takes it                | drifted
//	as base says      | stores something else   | altered
//	as base says      | takes it                | as-predicted
//	any               | nobody could be asked   | not-judged
//
// Nothing is asked for changes of those who may not push to the repository.
// Requests are bounded in number and time, for each cluster. Values of objects
// that are not the application's own are never shown: who may change its
// manifests need not be somebody who may read them.
//
// It does not know how clusters are reached, nor how verdicts are shown.
package live
