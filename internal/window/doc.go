// Package window knows when a message may be sent: windows of the week, quiet hours, times of day in somebody's zone, and
// the end after which it is too late. It looks at no clock and at no queue: a time comes in and an answer goes out.
//
// # What a time means
//
// Whether a moment is inside a window is read off the clocks in the zone: it is when they show a time of day from From up
// to, and without, To. So an hour that clocks show twice counts twice, and one that they leave out does not count; and a
// moment in quiet hours is never a moment to send, whatever the clocks have just done.
//
// A window that ends before it begins goes over midnight and belongs to the day on which it begins.
//
// A date and time of day that clocks leave out means the first moment after the gap; one that they show twice means the
// first of the two.
//
// Where a number may be in several zones, all of them count: it is sent to when every one of them allows it, and at a time
// of day when the last of them has reached it.
package window
