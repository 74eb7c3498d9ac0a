package explain

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/imagespec/imagespec/internal/diag"
	"github.com/imagespec/imagespec/llbgen/plan"
)

// shownLines is how many lines of a failed build an error shows.
const shownLines = 20

// Build says which package could not be built, and why as far as the end of the
// build's output tells.
func Build(pkg plan.Package, code, output string) *diag.Error {
	output = string(diag.Redact([]byte(output)))
	e := diag.Errorf(pkg.At, "%s cannot be built: exit code %s", strings.TrimSpace(pkg.Name+" "+pkg.Version), code)
	if lines := lastLines(output, shownLines); len(lines) > 0 {
		e.Msg += ", after\n    " + strings.Join(lines, "\n    ")
	}
	return e.WithHint("%s", adviseBuild(output, pkg.Name))
}

// lastLines gives the last lines of a text, without empty ones at its end.
func lastLines(text string, count int) []string {
	text = strings.TrimRight(text, "\n ")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	return lines[max(0, len(lines)-count):]
}

// buildHint is advice about what the output of a failed build says. In the
// text, $1 is what the pattern has found.
type buildHint struct {
	pattern *regexp.Regexp
	text    string
}

// apt is the advice to install Debian packages for the build.
func apt(packages string) string { return "add builder_options.build_apt_packages: [" + packages + "]" }

// buildHints are tried in this order: what explains more comes first.
var buildHints = []buildHint{
	{regexp.MustCompile(`(?m)^the build has made .* which is not`), "the source is another one than was locked: lock again"},
	{regexp.MustCompile(`(?m)^no project: `), "see whether the lock has the right folder, and whether .dockerignore leaves it in"},
	{
		regexp.MustCompile(`UnknownIssuer|CERTIFICATE_VERIFY_FAILED|certificate verify failed|SSL certificate problem`),
		"where HTTPS passes through a proxy with its own certificate authority, give that to the build: --secret id=ca-certificates,src=FILE",
	},
	{
		regexp.MustCompile(`fatal error: (Python\.h)`),
		"the base image has Python without its headers: take one that has them, or " + apt("python3-dev"),
	},
	{regexp.MustCompile(`pg_config executable not found|pg_config: not found`), apt("libpq-dev")},
	{
		regexp.MustCompile(`mysql_config: not found|mysqlclient.*not found|Can not find valid pkg-config name`),
		apt("default-libmysqlclient-dev, pkg-config"),
	},
	{
		regexp.MustCompile(`rustc \S+ is not supported|requires rustc|lock file version .?4|edition2024|newer version of Cargo`),
		"this needs a newer Rust than Debian has in the release of the base image: take a base image with a newer one, or lock a version that has a wheel",
	},
	{
		regexp.MustCompile(`(?i)can't find rust compiler|cargo, the rust package manager, is not installed|(?:cargo|rustc)\W+(?:command )?not found|no such file or directory: '?(?:cargo|rustc)|failed to find cargo|puccinialin`),
		apt("cargo, rustc"),
	},
	{
		regexp.MustCompile(`(?i)No such file or directory: '?\S*(?:gcc|g\+\+)|command '?\S*(?:gcc|cc|g\+\+|c\+\+|clang)'? failed: No such file|unable to execute '?\S*(?:gcc|cc|g\+\+)|(?:gcc|cc|g\+\+|c\+\+): (?:command )?not found|No CMAKE_C(?:XX)?_COMPILER|Unknown compiler\(s\)|no acceptable C compiler`),
		"there is no compiler: " + apt("build-essential"),
	},
	{regexp.MustCompile(`(?i)gfortran.*not found|Unknown compiler.*fortran|No CMAKE_Fortran_COMPILER`), apt("gfortran")},
	{regexp.MustCompile(`(?i)cmake\W+(?:command )?not found|Could not find CMake|No such file or directory: '?cmake`), apt("cmake")},
	{regexp.MustCompile(`(?i)pkg-config.*not found|Did not find pkg-config|Could not run pkg-config`), apt("pkg-config")},
	{regexp.MustCompile(`(?i)swig.*(?:not found|No such file)`), apt("swig")},
	{regexp.MustCompile(`(?i)git\W+(?:command )?not found|No such file or directory: '?git\b`), apt("git")},
	{
		regexp.MustCompile(`setuptools-scm was unable to detect version|unable to detect version from|does not appear to be a Git repository`),
		"a build sees no .git of the build context: give the project a version in its pyproject.toml",
	},
	{
		regexp.MustCompile(`index URL \(https?://([\w.-]+)[^)]*\) could not be queried[^\n]*40[13]`),
		"give the build the login of the index as the secret HTTP_AUTH_HEADER_$1 (\"Basic …\") or HTTP_AUTH_TOKEN_$1, or in the secret netrc, or check the one that it has",
	},
	{
		regexp.MustCompile(`No solution found when resolving`),
		"its build requirements cannot be had: see the lock's build constraints, pip_index, and whether the index can be reached",
	},
	{
		regexp.MustCompile(`(?i)Temporary failure in name resolution|Could not resolve host|Name or service not known|Network is unreachable|nodename nor servname|dns error`),
		"a build has no network once its build requirements are installed: what it downloads has to come with its source, or from a Debian package in builder_options.build_apt_packages",
	},
	{
		regexp.MustCompile(`ModuleNotFoundError: No module named '([\w.]+)'`),
		"its build needs $1, which its pyproject.toml does not have in build-system.requires: lock a version that does, or one that has a wheel",
	},
}

var (
	missingHeader  = regexp.MustCompile(`fatal error: '?([\w./+-]+\.h(?:pp|h|xx)?)'?(?::| file) (?:No such file|not found)`)
	missingLibrary = regexp.MustCompile(`cannot find -l:?([\w+.-]+)`)
)

// headerPackages are the Debian packages of headers that packages of PyPI are
// known to want, by the header or its folder.
var headerPackages = map[string]string{
	"alsa": "libasound2-dev", "cairo.h": "libcairo2-dev", "curl": "libcurl4-openssl-dev", "event.h": "libevent-dev",
	"ffi.h": "libffi-dev", "ft2build.h": "libfreetype-dev", "gdal.h": "libgdal-dev", "geos_c.h": "libgeos-dev",
	"glib.h": "libglib2.0-dev", "gmp.h": "libgmp-dev", "hdf5.h": "libhdf5-dev", "jpeglib.h": "libjpeg-dev",
	"krb5.h": "libkrb5-dev", "lber.h": "libldap-dev", "ldap.h": "libldap-dev", "leveldb": "libleveldb-dev",
	"libpq-fe.h": "libpq-dev", "librdkafka": "librdkafka-dev", "libxml": "libxml2-dev", "libxslt": "libxslt1-dev",
	"lzma.h": "liblzma-dev", "magic.h": "libmagic-dev", "mpi.h": "libopenmpi-dev", "mysql.h": "default-libmysqlclient-dev",
	"mysql": "default-libmysqlclient-dev", "openssl": "libssl-dev", "pcap.h": "libpcap-dev", "png.h": "libpng-dev",
	"portaudio.h": "portaudio19-dev", "proj.h": "libproj-dev", "re2": "libre2-dev", "sasl": "libsasl2-dev",
	"snappy-c.h": "libsnappy-dev", "sodium.h": "libsodium-dev", "sql.h": "unixodbc-dev", "sqlite3.h": "libsqlite3-dev",
	"systemd": "libsystemd-dev", "tiff.h": "libtiff-dev", "usb.h": "libusb-dev", "xmlsec": "libxmlsec1-dev",
	"yaml.h": "libyaml-dev", "zlib.h": "zlib1g-dev", "zmq.h": "libzmq3-dev", "zstd.h": "libzstd-dev",
}

// adviseBuild gives what to do about a failed build, by what it has printed.
func adviseBuild(output, pkg string) string {
	if header := missingHeader.FindStringSubmatch(output); header != nil && header[1] != "Python.h" {
		folder, _, _ := strings.Cut(header[1], "/")
		if found := cmp.Or(headerPackages[header[1]], headerPackages[folder]); found != "" {
			return apt(found)
		}
		return fmt.Sprintf("%s is in a Debian package whose name ends with -dev: name it in builder_options.build_apt_packages", header[1])
	}
	for _, hint := range buildHints {
		if found := hint.pattern.FindStringSubmatch(output); found != nil {
			return strings.ReplaceAll(hint.text, "$1", found[len(found)-1])
		}
	}
	if library := missingLibrary.FindStringSubmatch(output); library != nil {
		return apt("lib" + library[1] + "-dev")
	}
	return fmt.Sprintf("lock a version of %s that has a wheel, or see what its build needs: builder_options.build_apt_packages are Debian packages for it", pkg)
}
