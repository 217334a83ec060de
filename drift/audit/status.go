package audit

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// maxOneOf bounds the actors that a status lists.
const maxOneOf = 5

const (
	eitherOf = " or "
	list     = ", "
)

// Show writes actors into a change of a status.
func Show(actors []Actor, into *v1alpha1.DriftChange) {
	into.DriftActor, into.OneOf = v1alpha1.DriftActor{}, nil
	if len(actors) == 1 {
		into.DriftActor = actors[0].status()
		return
	}
	for _, a := range actors[:min(maxOneOf, len(actors))] {
		into.OneOf = append(into.OneOf, a.status())
	}
}

// Shown reads what Show wrote.
func Shown(c v1alpha1.DriftChange) []Actor {
	if c.DriftActor != (v1alpha1.DriftActor{}) {
		return []Actor{actorOf(c.DriftActor)}
	}
	var out []Actor
	for _, a := range c.OneOf {
		out = append(out, actorOf(a))
	}
	return out
}

func (a Actor) status() v1alpha1.DriftActor {
	out := v1alpha1.DriftActor{
		User: a.User, Impersonator: a.Impersonator, Address: strings.Join(a.Addresses, eitherOf), ForwardedFor: strings.Join(a.ForwardedFor, list),
		UserAgent: a.UserAgent, Client: a.Manager,
	}
	if !a.Time.IsZero() {
		at := metav1.NewTime(a.Time.Truncate(time.Second)) // as it comes back: a status at rest is the same every time
		out.At = &at
	}
	return out
}

func actorOf(a v1alpha1.DriftActor) Actor {
	out := Actor{User: a.User, Impersonator: a.Impersonator, UserAgent: a.UserAgent, Manager: a.Client}
	if a.Address != "" {
		out.Addresses = strings.Split(a.Address, eitherOf)
	}
	if a.ForwardedFor != "" {
		out.ForwardedFor = strings.Split(a.ForwardedFor, list)
	}
	if a.At != nil {
		out.Time = a.At.UTC()
	}
	return out
}
