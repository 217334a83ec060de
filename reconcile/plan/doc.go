// Package plan turns changes and policy into ordered, guarded steps; it knows
// waves, kinds, pruning and the reasons to refuse.
//
// A plan is a value: it prints, it marshals to JSON without the payloads of
// objects, and it is the only thing that apply looks at.
//
//	desired | live           | tracked by | outcome
//	--------|----------------|------------|-------------------------------------------
//	yes     | no             | -          | Create
//	yes     | differs        | us, nobody | Update
//	yes     | the same       | us         | nothing
//	any     | not known      | any        | nothing; later waves wait
//	yes     | any            | another    | the whole plan is refused
//	no      | yes            | us         | Prune, or Keep with the reason
//	no      | yes            | others     | nothing: not ours to touch
//
// It does not know how a cluster is reached, who runs the plan, nor the time.
package plan
