package agent

// pushes has repositories polled that somebody pushed to. It implements
// web.Pusher.
type pushes struct {
	// inUse lists the URLs that applications name, now polls one of them.
	inUse func() []string
	now   func(url string)
}

// Pushed implements web.Pusher.
func (p pushes) Pushed(urls []string) int {
	at := map[string]bool{}
	for _, url := range urls {
		if where := place(url); where != "" {
			at[where] = true
		}
	}
	return p.where(func(url string) bool { return at[place(url)] })
}

// where polls the repositories in use that match.
func (p pushes) where(match func(url string) bool) int {
	n := 0
	for _, url := range p.inUse() {
		if match(url) {
			p.now(url)
			n++
		}
	}
	return n
}
