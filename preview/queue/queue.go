package queue

import "slices"

// Key names a pull request.
type Key struct {
	Repository string
	Pull       int64
}

// Job is one look at a pull request.
type Job struct {
	Key
	// Head is the newest that anybody told of; empty is not known.
	Head string
	// ID is another one for each job that was started.
	ID int64
}

// Bounds of a queue; zero values mean the defaults.
type Bounds struct {
	// Running bounds the jobs at once; 2. PerRepository those of one
	// repository; 1.
	Running, PerRepository int
	// Waiting bounds the pull requests of one repository that wait; 200.
	Waiting int
}

// Queue holds what runs and what waits. It is used by one goroutine at a time.
type Queue struct {
	bounds  Bounds
	last    int64
	running map[Key]Job
	waiting map[string][]Job // by repository, in the order of arrival
	// turns are the repositories with something that waits, the next first.
	turns []string
}

// New makes an empty queue.
func New(b Bounds) *Queue {
	or := func(n *int, by int) {
		if *n <= 0 {
			*n = by
		}
	}
	or(&b.Running, 2)
	or(&b.PerRepository, 1)
	or(&b.Waiting, 200)
	return &Queue{bounds: b, running: map[Key]Job{}, waiting: map[string][]Job{}}
}

// Verdict is what becomes of a wish.
type Verdict struct {
	// Full: too many wait already, and nothing was noted.
	Full bool
	// Stop is the ID of a job that runs for an older head; 0 is none.
	Stop int64
}

// Add wishes a look. Where one waits for the same pull request, it takes the
// head over and keeps its place. A job that runs for another head is to be
// stopped; one that runs for the same head, or of which no head is known, goes
// on and is followed by another look.
func (q *Queue) Add(k Key, head string) Verdict {
	var v Verdict
	list := q.waiting[k.Repository]
	at := slices.IndexFunc(list, func(j Job) bool { return j.Pull == k.Pull })
	switch {
	case at >= 0 && head != "":
		list[at].Head = head
	case at >= 0:
	case len(list) >= q.bounds.Waiting:
		return Verdict{Full: true}
	default:
		if len(list) == 0 {
			q.turns = append(q.turns, k.Repository)
		}
		q.waiting[k.Repository] = append(list, Job{Key: k, Head: head})
	}
	if now, ok := q.running[k]; ok && head != "" && now.Head != "" && now.Head != head {
		v.Stop = now.ID
	}
	return v
}

// Learn notes the head that a job found.
func (q *Queue) Learn(j Job, head string) {
	if now, ok := q.running[j.Key]; ok && now.ID == j.ID {
		now.Head = head
		q.running[j.Key] = now
	}
}

// Has tells whether a look at a head waits or runs.
func (q *Queue) Has(k Key, head string) bool {
	return slices.ContainsFunc(q.waiting[k.Repository], func(j Job) bool { return j.Pull == k.Pull && j.Head == head }) ||
		q.running[k].ID != 0 && q.running[k].Head == head
}

// Drop forgets what waits for a pull request, and gives the ID of the job that
// runs for it, 0 for none.
func (q *Queue) Drop(k Key) (stop int64) {
	list := q.waiting[k.Repository]
	if at := slices.IndexFunc(list, func(j Job) bool { return j.Pull == k.Pull }); at >= 0 {
		q.keep(k.Repository, slices.Delete(list, at, at+1))
	}
	return q.running[k].ID
}

// Next starts the job whose turn it is; false is that nothing may start now.
// Each repository has its turn; in one, who came first is first.
func (q *Queue) Next() (Job, bool) {
	if len(q.running) >= q.bounds.Running {
		return Job{}, false
	}
	for i, repository := range q.turns {
		if q.runs(repository) >= q.bounds.PerRepository {
			continue
		}
		list := q.waiting[repository]
		at := slices.IndexFunc(list, func(j Job) bool { _, busy := q.running[j.Key]; return !busy })
		if at < 0 {
			continue
		}
		q.last++
		job := list[at]
		job.ID = q.last
		q.running[job.Key] = job
		q.turns = append(slices.Delete(q.turns, i, i+1), repository)
		q.keep(repository, slices.Delete(list, at, at+1))
		return job, true
	}
	return Job{}, false
}

// Done ends a job.
func (q *Queue) Done(j Job) {
	if now, ok := q.running[j.Key]; ok && now.ID == j.ID {
		delete(q.running, j.Key)
	}
}

// Waits counts what waits.
func (q *Queue) Waits() int {
	n := 0
	for _, list := range q.waiting {
		n += len(list)
	}
	return n
}

// Runs counts what runs.
func (q *Queue) Runs() int { return len(q.running) }

func (q *Queue) runs(repository string) int {
	n := 0
	for k := range q.running {
		if k.Repository == repository {
			n++
		}
	}
	return n
}

// keep sets what waits of a repository.
func (q *Queue) keep(repository string, list []Job) {
	if len(list) > 0 {
		q.waiting[repository] = list
		return
	}
	delete(q.waiting, repository)
	q.turns = slices.DeleteFunc(q.turns, func(r string) bool { return r == repository })
}
