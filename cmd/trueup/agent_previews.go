package main

import (
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/pflag"

	"github.com/trueup-dev/trueup/agent"
	"github.com/trueup-dev/trueup/agent/previews"
	"github.com/trueup-dev/trueup/preview/policy"
	"github.com/trueup-dev/trueup/preview/risk"
)

// agentPreviews are the flags about pull requests.
type agentPreviews struct {
	agent.PreviewOptions
	failOn     string
	severities map[string]string
}

func (o *agentPreviews) flags(flags *pflag.FlagSet) {
	flags.BoolVar(&o.Enabled, "previews", false, "preview the pull requests of every repository in use whose Secret lets into its forge; by default only of those whose Secret says previews: \"true\"")
	flags.StringVar(&o.failOn, "preview-fail-on", "off", "fail the status of a pull request with a risk that is at least this: critical, warning, notice or off; a repository's Secret may say another")
	flags.StringToStringVar(&o.severities, "preview-risk", nil, "give a rule another severity: RULE=critical|warning|notice|off (repeatable)")
	flags.StringArrayVar(&o.Policies, "preview-policies", []string{policy.Default}, "file, folder or glob of each repository with policies, read on base (repeatable)")
	flags.StringVar(&o.Instance, "preview-instance", previews.DefaultInstance, "tells the comments and statuses of several agents on one repository apart")
	flags.DurationVar(&o.Interval, "preview-poll", 0, "interval of asking for open pull requests; by default that of --poll")
	flags.BoolVar(&o.Live, "preview-live", true, "ask destinations what changes come to there, by reads and dry runs; never for changes from forks")
	flags.IntVar(&o.Parallel, "preview-parallel", 2, "previews at the same time")
	flags.DurationVar(&o.Timeout, "preview-timeout", 5*time.Minute, "give a preview up that takes longer")
	flags.StringVar(&o.URL, "preview-url", "", "where people reach the address of webhooks, such as https://trueup.example.com: whole reports are served there, and linked; by default there are none")
}

// options checks what was given.
func (o *agentPreviews) options(webhooks string, charts bool) (agent.PreviewOptions, error) {
	out := o.PreviewOptions
	if err := oneOf("--preview-fail-on", o.failOn, "critical", "warning", "notice", "off"); err != nil {
		return out, err
	}
	out.FailOn = risk.Severity(o.failOn)
	severities := map[string]risk.Severity{}
	for rule, severity := range o.severities {
		severities[rule] = risk.Severity(severity)
	}
	var err error
	if out.Risks, err = risk.Default().With(severities); err != nil {
		return out, usageError{fmt.Errorf("--preview-risk: %w", err)}
	}
	if out.Parallel <= 0 || out.Timeout <= 0 || out.Interval < 0 {
		return out, usagef("--preview-parallel and --preview-timeout must be more than 0, --preview-poll no less")
	}
	if out.URL != "" {
		u, err := url.Parse(out.URL)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
			return out, usagef("--preview-url is %q: an address such as https://trueup.example.com", out.URL)
		}
		if webhooks == "" || webhooks == "0" {
			return out, usagef("--preview-url needs --webhook-address, which serves the reports")
		}
	}
	out.Untrusted, out.Closed = untrustedRenderer(charts), closedRenderer(charts)
	return out, nil
}
