package worker

import "github.com/volleysms/volley/sms"

// OptedOut reports whether the worker knows that nobody may send to a number through an account.
func (w *Worker) OptedOut(account string, n sms.MSISDN) bool {
	_, on := w.optOuts.Lookout(account).List(n)
	return on
}
