package post

// Waiting counts who writes a comment of a pull request, or waits to.
func (p *Poster) Waiting(pull int64) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for l, q := range p.lanes {
		if l.pull == pull && l.context == "" {
			n += len(q.there)
		}
	}
	return n
}
