// Package sms has the field's words as types: MSISDN, sender ID, message, encodings and segments.
//
// It imports the standard library only, and everything in it is a value that is safe for concurrent use.
package sms
