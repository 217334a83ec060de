package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
)

// forge answers as a test wants it to, and notes when it was asked.
type forge struct {
	answer func(ctx context.Context, url string) (bool, error)
	began  time.Time

	mu        sync.Mutex
	asked     map[string][]time.Duration
	tidied    int
	forgotten []string
}

func (f *forge) Poll(ctx context.Context, url string) (bool, error) {
	f.mu.Lock()
	f.asked[url] = append(f.asked[url], time.Since(f.began))
	f.mu.Unlock()
	return f.answer(ctx, url)
}

func (f *forge) Tidy(context.Context, string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tidied++
	return nil
}

func (f *forge) Forget(url string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgotten = append(f.forgotten, url)
}

func (f *forge) times(url string) []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]time.Duration{}, f.asked[url]...)
}

// polling runs a Poller in a bubble of time, where random is always half.
func polling(t *testing.T, answer func(context.Context, string) (bool, error), test func(*Poller, *forge, chan types.NamespacedName)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &forge{answer: answer, began: time.Now(), asked: map[string][]time.Duration{}}
		woken := make(chan types.NamespacedName, 1000)
		p := &Poller{
			Mirrors: f, Interval: time.Minute, Log: logr.Discard(), Random: func() float64 { return 0.5 },
			Wake: func(who types.NamespacedName) { woken <- who },
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Start(ctx) }()
		synctest.Wait()
		test(p, f, woken)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func name(s string) types.NamespacedName { return types.NamespacedName{Name: s} }

const repoA, repoB = "https://git.example.com/a.git", "https://git.example.com/b.git"

func TestPollerAsksOncePerInterval(t *testing.T) {
	t.Parallel()
	polling(t, func(context.Context, string) (bool, error) { return false, nil }, func(p *Poller, f *forge, woken chan types.NamespacedName) {
		for i := range 100 {
			p.UseAll(name(fmt.Sprint(i)), []string{repoA})
		}
		after(3 * time.Minute)
		want := []time.Duration{30 * time.Second, 90 * time.Second, 150 * time.Second}
		if diff := cmp.Diff(want, f.times(repoA)); diff != "" {
			t.Errorf("questions (-want +got):\n%s", diff)
		}
		if len(woken) != 0 || f.tidied != 3 {
			t.Errorf("%d woken, %d times tidied", len(woken), f.tidied)
		}
		for i := range 100 {
			p.UseAll(name(fmt.Sprint(i)), nil)
		}
		after(3 * time.Minute)
		if n := len(f.times(repoA)); n != 3 {
			t.Errorf("asked %d times after nobody used it", n)
		}
		if diff := cmp.Diff([]string{repoA}, f.forgotten); diff != "" {
			t.Errorf("forgotten (-want +got):\n%s", diff)
		}
	})
}

func TestPollerBacksOff(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	fails := true
	answer := func(_ context.Context, url string) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		if fails && url == repoA {
			return false, errors.New("unreachable")
		}
		return false, nil
	}
	polling(t, answer, func(p *Poller, f *forge, woken chan types.NamespacedName) {
		p.UseAll(name("a"), []string{repoA})
		p.UseAll(name("b"), []string{repoB})
		after(time.Hour)
		m := func(minutes float64) time.Duration { return time.Duration(minutes * float64(time.Minute)) }
		want := []time.Duration{m(0.5), m(2.5), m(6.5), m(14.5), m(24.5), m(34.5), m(44.5), m(54.5)}
		if diff := cmp.Diff(want, f.times(repoA)); diff != "" {
			t.Errorf("questions (-want +got):\n%s", diff)
		}
		if n := len(f.times(repoB)); n != 60 {
			t.Errorf("the repository beside it was asked %d times", n)
		}
		if p.Err(repoA) == nil || p.Err(repoB) != nil || len(woken) != 1 {
			t.Errorf("errors %v, %v; %d woken, want one as it began to fail", p.Err(repoA), p.Err(repoB), len(woken))
		}
		mu.Lock()
		fails = false
		mu.Unlock()
		after(7 * time.Minute)
		if got := f.times(repoA)[len(want):]; !cmp.Equal(got, []time.Duration{m(64.5), m(65.5), m(66.5)}) {
			t.Errorf("after it recovered: %v", got)
		}
		if p.Err(repoA) != nil || len(woken) != 2 {
			t.Errorf("after it recovered: %v, %d woken", p.Err(repoA), len(woken))
		}
	})
}

func TestPollerDoesNotWaitForWhoHangs(t *testing.T) {
	t.Parallel()
	answer := func(ctx context.Context, url string) (bool, error) {
		if url != repoB {
			<-ctx.Done()
			return false, ctx.Err()
		}
		return false, nil
	}
	polling(t, answer, func(p *Poller, f *forge, _ chan types.NamespacedName) {
		for i := range 3 * parallelFailed {
			url := fmt.Sprintf("https://hangs.example.com/%d", i)
			p.UseAll(name(url), []string{url})
		}
		p.UseAll(name("b"), []string{repoB})
		after(time.Hour)
		if n := len(f.times(repoB)); n != 60 {
			t.Errorf("asked %d times in an hour beside repositories that hang", n)
		}
	})
}

func TestPollerNow(t *testing.T) {
	t.Parallel()
	answer := func(ctx context.Context, _ string) (bool, error) {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(5 * time.Second):
			return true, nil
		}
	}
	polling(t, answer, func(p *Poller, f *forge, woken chan types.NamespacedName) {
		p.UseAll(name("a"), []string{repoA, repoB})
		synctest.Wait()
		if p.Now("https://git.example.com/other.git") {
			t.Error("a repository that nobody uses is said to be used")
		}
		// A burst before, and one while the question is under way.
		for range 50 {
			if !p.Now(repoA + "/") {
				t.Fatal("another form of the URL is not found")
			}
		}
		after(time.Second)
		for range 50 {
			p.Now(repoA)
		}
		after(14 * time.Second)
		if diff := cmp.Diff([]time.Duration{0, 5 * time.Second}, f.times(repoA)); diff != "" {
			t.Errorf("questions (-want +got):\n%s", diff)
		}
		if n := len(f.times(repoB)); n != 0 {
			t.Errorf("the other repository was asked %d times", n)
		}
		if len(woken) != 2 {
			t.Errorf("%d woken", len(woken))
		}
	})
}
