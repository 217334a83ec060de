package azure

import (
	"context"
	"fmt"
	"net/url"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/scm/rest"
)

// maxBody is the longest text of a pull request, in characters.
const maxBody = 4000

// Create opens a pull request and returns its number. A body that is too long
// is cut.
func (p *Pulls) Create(ctx context.Context, c rest.Change) (int64, error) {
	body := []rune(c.Body)
	var made pull
	err := p.session.Post(ctx, map[string]any{
		"title": c.Title, "description": string(body[:min(len(body), maxBody)]), "sourceRefName": heads + c.Branch, "targetRefName": heads + c.Base,
	}, &made, url.Values{"api-version": {version}}, p.path("pullrequests")...)
	if err == nil && made.ID == 0 {
		err = fault.New(fault.Transient, "the answer has no number")
	}
	if err != nil {
		return 0, fmt.Errorf("open a pull request in %s: %w", p.name, err)
	}
	return made.ID, nil
}
