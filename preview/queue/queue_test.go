package queue_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/preview/queue"
)

func key(repository string, pull int64) queue.Key {
	return queue.Key{Repository: repository, Pull: pull}
}

// started starts all that may start, as "repository#pull head".
func started(q *queue.Queue) (jobs []queue.Job, names []string) {
	for {
		j, ok := q.Next()
		if !ok {
			return jobs, names
		}
		jobs = append(jobs, j)
		names = append(names, fmt.Sprintf("%s#%d %s", j.Repository, j.Pull, j.Head))
	}
}

func want(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestRepositoriesTakeTurns: one with many pull requests does not keep another
// waiting.
func TestRepositoriesTakeTurns(t *testing.T) {
	t.Parallel()
	q := queue.New(queue.Bounds{Running: 2, PerRepository: 2})
	for pull := range int64(5) {
		q.Add(key("large", pull), "a")
	}
	q.Add(key("small", 9), "b")
	jobs, names := started(q)
	want(t, "first", names, "large#0 a", "small#9 b")
	q.Done(jobs[0])
	q.Done(jobs[1])
	_, names = started(q)
	want(t, "then", names, "large#1 a", "large#2 a")
	if q.Waits() != 2 || q.Runs() != 2 {
		t.Errorf("%d wait, %d run", q.Waits(), q.Runs())
	}
}

// TestNewestHeadWins: what waits takes the newest head over, and what runs for
// an older one is to be stopped, and followed.
func TestNewestHeadWins(t *testing.T) {
	t.Parallel()
	q := queue.New(queue.Bounds{})
	q.Add(key("r", 1), "a")
	q.Add(key("r", 1), "b")
	q.Add(key("r", 1), "")
	if !q.Has(key("r", 1), "b") || q.Has(key("r", 1), "a") || q.Has(key("r", 2), "") {
		t.Error("what waits is told wrong")
	}
	jobs, names := started(q)
	want(t, "one look at the newest", names, "r#1 b")
	if !q.Has(key("r", 1), "b") || q.Has(key("r", 1), "c") {
		t.Error("what runs is told wrong")
	}
	if v := q.Add(key("r", 1), "b"); v.Stop != 0 {
		t.Errorf("the same head stops %d", v.Stop)
	}
	if v := q.Add(key("r", 1), ""); v.Stop != 0 {
		t.Errorf("a head that is not known stops %d", v.Stop)
	}
	if v := q.Add(key("r", 1), "c"); v.Stop != jobs[0].ID {
		t.Errorf("a newer head stops %d, not %d", v.Stop, jobs[0].ID)
	}
	if _, names := started(q); len(names) > 0 {
		t.Errorf("two at once for one pull request: %v", names)
	}
	q.Done(jobs[0])
	q.Done(jobs[0]) // once more is no harm
	jobs, names = started(q)
	want(t, "the newest after it", names, "r#1 c")
	q.Add(key("r", 1), "d")
	if stop := q.Drop(key("r", 1)); stop != jobs[0].ID {
		t.Errorf("dropping it stops %d", stop)
	}
	q.Done(jobs[0])
	if _, names := started(q); len(names) > 0 || q.Waits() > 0 {
		t.Errorf("after it was dropped: %v", names)
	}
}

func TestWhatIsLearnt(t *testing.T) {
	t.Parallel()
	q := queue.New(queue.Bounds{})
	q.Add(key("r", 1), "")
	jobs, _ := started(q)
	q.Learn(jobs[0], "a")
	if v := q.Add(key("r", 1), "b"); v.Stop != jobs[0].ID {
		t.Errorf("a newer head than was found does not stop it: %+v", v)
	}
	q.Done(jobs[0])
	q.Learn(jobs[0], "z")
	jobs, _ = started(q)
	if v := q.Add(key("r", 1), "b"); v.Stop != 0 {
		t.Errorf("what an earlier job learnt counts for a later one: %+v, %+v", v, jobs)
	}
}

func TestFull(t *testing.T) {
	t.Parallel()
	q := queue.New(queue.Bounds{Waiting: 2})
	for pull := range int64(4) {
		if v := q.Add(key("r", pull), "a"); v.Full != (pull >= 2) {
			t.Errorf("%d: %+v", pull, v)
		}
	}
	if v := q.Add(key("other", 1), "a"); v.Full {
		t.Error("a full repository keeps another one out")
	}
	if v := q.Add(key("r", 1), "b"); v.Full {
		t.Error("what waits already is refused")
	}
}

// TestAnyOrder is the property: whatever happens in whatever order, never two
// jobs run for one pull request, never more than the bounds, no wish is lost,
// and the last look at a pull request is at its newest head.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 3))
		b := queue.Bounds{Running: 1 + random.IntN(3), PerRepository: 1 + random.IntN(2), Waiting: 1 + random.IntN(6)}
		q := queue.New(b)
		running := map[int64]queue.Job{}
		newest := map[queue.Key]string{} // wishes that no job has answered
		check := func() {
			each, repos := map[queue.Key]int{}, map[string]int{}
			for _, j := range running {
				each[j.Key]++
				repos[j.Repository]++
				if each[j.Key] > 1 || repos[j.Repository] > b.PerRepository {
					t.Fatalf("seed %d: too many for %v", seed, j.Key)
				}
			}
			if len(running) > b.Running {
				t.Fatalf("seed %d: %d run", seed, len(running))
			}
		}
		start := func() {
			jobs, _ := started(q)
			for _, j := range jobs {
				running[j.ID] = j
				if want, ok := newest[j.Key]; !ok || want != j.Head {
					t.Fatalf("seed %d: %v starts, and %q is wished (%v)", seed, j, want, ok)
				}
				delete(newest, j.Key)
				check()
			}
		}
		for step := range 200 {
			k := key(fmt.Sprint("r", random.IntN(3)), int64(random.IntN(4)))
			switch n := random.IntN(10); {
			case n < 5:
				head := fmt.Sprint(step)
				v := q.Add(k, head)
				if v.Full {
					break
				}
				newest[k] = head
				for id, j := range running {
					if (j.Key == k) != (v.Stop == id) {
						t.Fatalf("seed %d: %v is to be stopped: %v", seed, j, v)
					}
				}
			case n < 6:
				q.Drop(k)
				delete(newest, k)
			case n < 8:
				for id, j := range running {
					q.Done(j)
					delete(running, id)
					break
				}
			default:
				start()
			}
			if q.Waits() != len(newest) || q.Runs() != len(running) {
				t.Fatalf("seed %d: %d wait, %d run; want %d, %d", seed, q.Waits(), q.Runs(), len(newest), len(running))
			}
		}
		for len(newest) > 0 || len(running) > 0 {
			start()
			if len(running) == 0 {
				t.Fatalf("seed %d: lost %v", seed, newest)
			}
			for id, j := range running {
				q.Done(j)
				delete(running, id)
			}
		}
	}
}
