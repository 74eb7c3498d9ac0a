// Package metadata reads and writes the text files of a wheel's .dist-info
// directory: RECORD, WHEEL, METADATA (its name only), entry_points.txt and
// direct_url.json. It works on bytes alone and knows neither zip archives nor
// where things are installed.
//
// The formats are specified at packaging.python.org under "Binary distribution
// format", "Recording installed projects", "Entry points" and "Direct URL Data
// Structure".
package metadata
