// Package health maps an object to Healthy, Progressing, Degraded, Suspended,
// Missing or Unknown, with a reason.
//
// The general rules are kstatus's; this package corrects the cases in which
// they call an object fine too early (a Pod that failed, a workload that its
// controller has not looked at yet, a load balancer without an address) or
// have no word for it (suspended).
//
// It does not know what was desired, which application an object belongs to,
// nor the time: the same object always gives the same answer.
package health
