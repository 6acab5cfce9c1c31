// Package examples holds the sample campaign that the demo sends and the README imports.
package examples

import _ "embed"

// Campaign is campaign.csv: UTF-8, a header (to,name,ref) and 1,211 rows.
//
// 1,200 rows are good and unique: 300 in each of the United States (1), the United Kingdom (44), France (33) and Ireland
// (353), every one in a range that the country's regulator keeps for fiction, so that nobody can be reached by it. Seven
// rows have no usable number (too short, too long, letters, national form, empty) and a ref with "-bad-" in it; four
// repeat an earlier number, one of them with a leading "+", and have a ref that ends in "-again". Names have accents;
// three have a euro sign, one an emoji, one a comma, one quotes, and one is outside Latin-1.
//
//go:embed campaign.csv
var Campaign string
