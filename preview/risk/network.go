package risk

import "github.com/trueup-dev/trueup/preview/risk/reach"

func exposed(c Change) []string {
	switch {
	case c.After == nil && (!c.Deleted || c.Kept != ""):
		return nil
	case c.Key.Kind == "NetworkPolicy":
		return reach.Policy(c.Before, c.After)
	}
	return reach.Service(c.Before, c.After)
}
