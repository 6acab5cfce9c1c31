package ui

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/volleysms/volley/enqueue"
	"github.com/volleysms/volley/internal/signin"
	"github.com/volleysms/volley/internal/trail"
)

// action is something that can be done, after a page that says what it will do.
type action struct {
	// did is what the trail calls it.
	did string
	// ask says what will be done. An error tells why it can't be.
	ask func(ctx context.Context, s *Server, r *http.Request) (question, error)
	// do does it, and says what was done.
	do func(ctx context.Context, s *Server, r *http.Request, by enqueue.Ask) (said string, err error)
}

// question is what a page asks before something is done.
type question struct {
	// Ask is the question, Effects what will happen, a sentence each.
	Ask     string
	Effects []string
	// Warning is what can't be undone; may be empty.
	Warning string
	// Button does it, Back is where nothing is done.
	Button, Back string
	// Danger is for what can't be undone.
	Danger bool
	// Reason is what the reason is asked for as; empty asks for none.
	Reason string
	// Hidden is sent along with the form.
	Hidden map[string]string
}

// maxReason bounds the reason that somebody gives, in bytes.
const maxReason = 400

// actionTimeout bounds an action; cancelling ten million recipients takes some seconds.
const actionTimeout = 2 * time.Minute

// subject is what an action is done to.
func subject(r *http.Request) string {
	if id := r.PathValue("id"); id != "" {
		return id
	}
	return r.PathValue("name")
}

func (s *Server) confirm(a action) page {
	return func(w http.ResponseWriter, r *http.Request, u signin.User) error {
		q, err := a.ask(r.Context(), s, r)
		if err != nil {
			return err
		}
		s.render(w, r, u, http.StatusOK, "confirm", view{Title: q.Ask, Tab: tabOf(r), Data: q})
		return nil
	}
}

// tabOf is the entry of the menu that an action is under.
func tabOf(r *http.Request) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return first
}

// do does an action to its end, also when the browser has left.
func (s *Server) do(a action) page {
	return func(w http.ResponseWriter, r *http.Request, u signin.User) error {
		if err := r.ParseForm(); err != nil || !s.door.Admits(u, r.PostForm.Get("token")) {
			return errForm
		}
		if why := r.PostForm.Get("reason"); len(why) > maxReason || !utf8.ValidString(why) {
			return &told{http.StatusBadRequest, "The reason is too long: 400 characters are the most."}
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), actionTimeout)
		defer cancel()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(actionTimeout + writeTimeout)) // a server without deadlines has none to move
		said, err := a.do(ctx, s, r, enqueue.Ask{By: byOf(u.Name), Reason: r.PostForm.Get("reason")})
		result := trail.Done
		switch {
		case err != nil:
			result = "not done: " + explain(err).text
		case said != "":
			result += ": " + said
		}
		did := a.did
		if who := r.PostForm.Get("who"); who != "" {
			did += " (" + who + ")"
		}
		if why := r.PostForm.Get("reason"); why != "" {
			result += " Reason: " + why
		}
		s.note(r, u, did, subject(r), result)
		if err != nil {
			return err
		}
		s.flash(w, said)
		http.Redirect(w, r, back(r), http.StatusSeeOther)
		return nil
	}
}

// byOf is a user's name as a job's history keeps it.
func byOf(name string) string {
	if len(name) > enqueue.MaxBy {
		name = strings.ToValidUTF8(name[:enqueue.MaxBy], "")
	}
	return name
}

// back is the page of what an action is done to.
func back(r *http.Request) string {
	switch {
	case r.PathValue("id") != "":
		return "/jobs/" + url.PathEscape(r.PathValue("id"))
	case tabOf(r) == "schedules":
		return "/schedules/" + url.PathEscape(r.PathValue("name"))
	}
	return "/" + tabOf(r)
}

// jobAsked returns the job that an action is about, and the beginning of its question.
func (s *Server) jobAsked(ctx context.Context, r *http.Request) (jobView, question, error) {
	st, err := s.client.Status(ctx, r.PathValue("id"))
	return s.jobView(st), question{Back: back(r)}, err
}

// are begins a sentence about so many recipients.
func are(n int64) string {
	if n == 1 {
		return "1 recipient is"
	}
	return count(n) + " recipients are"
}

// onWire is what happens to those who are being sent to.
func onWire(c enqueue.Counts) string {
	if c.Sending == 0 {
		return "No call is on the wire just now."
	}
	return are(c.Sending) + " in calls that are on the wire: these end, and are recorded."
}

var pauseJob = action{
	did: "pause job",
	ask: func(ctx context.Context, s *Server, r *http.Request) (question, error) {
		j, q, err := s.jobAsked(ctx, r)
		if err == nil && j.Ended() {
			err = enqueue.ErrCompleted
		}
		q.Ask, q.Button, q.Reason = "Pause “"+j.Name()+"”?", "Pause the job", "Why, for whoever finds it paused (optional)"
		q.Effects = []string{
			are(j.Counts.Queued) + " kept queued until somebody resumes the job; no further call is made.",
			onWire(j.Counts),
		}
		return q, err
	},
	do: func(ctx context.Context, s *Server, r *http.Request, by enqueue.Ask) (string, error) {
		n, err := s.client.Pause(ctx, r.PathValue("id"), by)
		return "The job is paused, with " + plural(n, "recipient") + " queued.", err
	},
}

var resumeJob = action{
	did: "resume job",
	ask: func(ctx context.Context, s *Server, r *http.Request) (question, error) {
		j, q, err := s.jobAsked(ctx, r)
		if err == nil && j.State != enqueue.Paused {
			err = &told{http.StatusConflict, "The job is not paused."}
		}
		q.Ask, q.Button = "Resume “"+j.Name()+"”?", "Resume the job"
		q.Effects = []string{are(j.Counts.Queued) + " sent to, from where it stopped."}
		return q, err
	},
	do: func(ctx context.Context, s *Server, r *http.Request, by enqueue.Ask) (string, error) {
		n, err := s.client.Resume(ctx, r.PathValue("id"), by)
		return "The job goes on, with " + plural(n, "recipient") + " queued.", err
	},
}

var cancelJob = action{
	did: "cancel job",
	ask: func(ctx context.Context, s *Server, r *http.Request) (question, error) {
		j, q, err := s.jobAsked(ctx, r)
		if err == nil && j.Ended() {
			err = enqueue.ErrCompleted
		}
		q.Ask, q.Button, q.Danger, q.Reason = "Cancel “"+j.Name()+"”?", "Cancel the job for good", true, "Why (optional)"
		q.Effects = []string{
			are(j.Counts.Queued) + " queued: their outcome becomes cancelled, and nothing is sent to them.",
			onWire(j.Counts),
			are(j.Done) + " left as they are, with the outcome that they have.",
		}
		q.Warning = "This can't be undone: a cancelled job can be neither resumed nor retried."
		return q, err
	},
	do: func(ctx context.Context, s *Server, r *http.Request, by enqueue.Ask) (string, error) {
		n, err := s.client.Cancel(ctx, r.PathValue("id"), by)
		return "The job is cancelled: " + plural(n, "recipient") + " at once, and those that a worker holds within a call's time.", err
	},
}

var retryJob = action{
	did: "retry job",
	ask: func(ctx context.Context, s *Server, r *http.Request) (question, error) {
		j, q, err := s.jobAsked(ctx, r)
		if err != nil {
			return q, err
		}
		if j.State == enqueue.Cancelled {
			return q, enqueue.ErrCancelled
		}
		q.Back = back(r)
		switch who := r.URL.Query().Get("who"); who {
		case "failed":
			q.Ask, q.Button = "Send to the failed of “"+j.Name()+"” again?", "Send to "+plural(j.Counts.Failed, "failed recipient")
			q.Effects = []string{
				are(j.Counts.Failed) + " queued again, with a new budget of attempts. Who failed provably did not get the message.",
				"All others stay as they are.",
			}
			q.Hidden = map[string]string{"who": who}
		case "unknown":
			q.Ask, q.Button, q.Danger = "Send to the unknown of “"+j.Name()+"” again?", "Send to "+plural(j.Counts.Unknown, "unknown recipient"), true
			q.Effects = []string{
				are(j.Counts.Unknown) + " queued again, with a new budget of attempts.",
				"All others stay as they are.",
			}
			q.Warning = "The gateway was asked to send to them, and its answer never came: who got the message then gets it twice."
			q.Hidden = map[string]string{"who": who}
		default:
			return q, errNoPage
		}
		return q, nil
	},
	do: func(ctx context.Context, s *Server, r *http.Request, by enqueue.Ask) (string, error) {
		who := r.PostForm.Get("who")
		if who != "failed" && who != "unknown" {
			return "", errNoPage
		}
		n, err := s.client.Retry(ctx, r.PathValue("id"), []string{who}, by)
		return plural(n, "recipient") + " queued again.", err
	},
}

// hasAccount returns an error when an action is about an account that is not there.
func (s *Server) hasAccount(name string) error {
	for _, a := range s.o.Accounts {
		if a.Name == name {
			return nil
		}
	}
	return &told{http.StatusNotFound, "There is no such account in the configuration."}
}

var resumeAccount = action{
	did: "resume account",
	ask: func(ctx context.Context, s *Server, r *http.Request) (question, error) {
		name := r.PathValue("name")
		q := question{Ask: "Try “" + name + "” again?", Button: "Try the account again", Back: back(r)}
		if err := s.hasAccount(name); err != nil {
			return q, err
		}
		list, err := s.accountViews(ctx)
		if err != nil {
			return q, err
		}
		for _, a := range list {
			switch {
			case a.Name != name:
			case a.Trouble == nil:
				return q, &told{http.StatusConflict, "The account is not in trouble."}
			default:
				q.Effects = []string{
					"It is " + a.State + " since " + clock(a.Trouble.Since) + " UTC.",
					"All workers try it again within a second or two, with one call first. If the trouble is still there it is " + a.State + " again.",
					"Batches that wait on its queues: " + count(a.Waiting) + ".",
				}
			}
		}
		return q, nil
	},
	do: func(ctx context.Context, s *Server, r *http.Request, _ enqueue.Ask) (string, error) {
		name := r.PathValue("name")
		if err := s.hasAccount(name); err != nil {
			return "", err
		}
		had, err := s.book.Resume(ctx, name)
		if err == nil && !had {
			return name + " was not in trouble any more.", nil
		}
		return name + " is tried again.", err
	},
}

var pauseSchedule = action{
	did: "pause schedule",
	ask: func(ctx context.Context, s *Server, r *http.Request) (question, error) {
		in, err := s.plans.Get(ctx, r.PathValue("name"))
		q := question{Ask: "Pause the schedule “" + in.Name + "”?", Button: "Pause the schedule", Back: back(r), Reason: "Why (optional)"}
		q.Effects = []string{"No tick begins until somebody resumes it. One that is being fired already goes out."}
		if len(in.Next) > 0 {
			q.Effects = append(q.Effects, "The first that is left out is "+in.Next[0].Format("Mon 2 Jan 2006 15:04:05 MST")+".")
		}
		return q, err
	},
	do: func(ctx context.Context, s *Server, r *http.Request, by enqueue.Ask) (string, error) {
		return "The schedule is paused.", s.plans.Pause(ctx, r.PathValue("name"), by.Reason)
	},
}

var resumeSchedule = action{
	did: "resume schedule",
	ask: func(ctx context.Context, s *Server, r *http.Request) (question, error) {
		in, err := s.plans.Get(ctx, r.PathValue("name"))
		return question{
			Ask: "Resume the schedule “" + in.Name + "”?", Button: "Resume the schedule", Back: back(r),
			Effects: []string{"It goes on with its next tick. Those of the meantime are not caught up with."},
		}, err
	},
	do: func(ctx context.Context, s *Server, r *http.Request, _ enqueue.Ask) (string, error) {
		return "The schedule goes on.", s.plans.Resume(ctx, r.PathValue("name"))
	},
}

var runSchedule = action{
	did: "run schedule now",
	ask: func(ctx context.Context, s *Server, r *http.Request) (question, error) {
		in, err := s.plans.Get(ctx, r.PathValue("name"))
		return question{
			Ask: "Run the schedule “" + in.Name + "” now?", Button: "Run it now", Back: back(r),
			Effects: []string{
				"It is fired once more than its times say, whether it is paused or not: to " + whom(in) + ", through " + in.Send.Via + ".",
				"The next tick stays when it was.",
			},
			Warning: "Who was sent to by the latest tick is sent to again.",
		}, err
	},
	do: func(ctx context.Context, s *Server, r *http.Request, _ enqueue.Ask) (string, error) {
		_, err := s.plans.RunNow(ctx, r.PathValue("name"))
		return "The schedule was asked to run. What becomes of it is listed below.", err
	},
}
