module github.com/imagespec/imagespec

go 1.26.8

require github.com/agext/levenshtein v1.2.3
