package git

// forget drops what is kept of the repository, in memory and on disk.
func (r *repository) forget() error {
	r.mu.Lock()
	r.refs, r.news, r.uses, r.trees = nil, false, map[wanted]*use{}, nil
	r.mu.Unlock()
	m, ok := r.source.(*mirrored)
	if !ok {
		return nil
	}
	r.hangUp()
	select {
	case r.fetching <- struct{}{}:
		defer r.fetching.give()
		return m.remove()
	default:
		return nil // somebody is using it just now
	}
}

// hangUp closes the connection that waits for the next conversation.
func (r *repository) hangUp() {
	if m, ok := r.source.(*mirrored); ok {
		m.remote.Close()
	}
}
