package post

// Waiting counts who writes the comment of a pull request, or waits to.
func (p *Poster) Waiting(pull int64) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if q := p.lanes[lane{pull: pull}]; q != nil {
		return len(q.there)
	}
	return 0
}
