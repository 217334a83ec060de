package risk

// Live is what a cluster says of a change.
type Live struct {
	// Rejected is why it refuses the object, Recreate why that would have to be
	// made anew; empty where neither is so.
	Rejected, Recreate string
	// Overwrites are live edits that are lost.
	Overwrites []Edit
}

// Edit is a value that somebody set in the cluster.
type Edit struct{ Path, Manager string }

// live are the rules about what clusters say.
func live() []Rule {
	return []Rule{
		{
			Name: "rejected", Severity: Critical, Live: true, About: "The cluster refuses the object, so that a sync fails.",
			Find: func(c Change) []string { return said("would be rejected: ", c.Live.Rejected) },
		},
		{
			Name: "recreate", Severity: Critical, Live: true, About: "The object would have to be deleted and made anew.",
			Find: func(c Change) []string { return said("would be made anew: ", c.Live.Recreate) },
		},
		{
			Name: "overwrite", Severity: Warning, Live: true, About: "What somebody changed in the cluster by hand would be lost.",
			Find: func(c Change) []string {
				var out []string
				for _, e := range c.Live.Overwrites {
					out = append(out, "would overwrite a live edit by "+e.Manager+": "+e.Path)
				}
				return out
			},
		},
	}
}

func said(what, why string) []string {
	if why == "" {
		return nil
	}
	return []string{what + why}
}
