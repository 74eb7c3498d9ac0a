// Package bytecode holds compile.py, the program that compiles the modules of
// a layer. It lies in the frontend's image and is run by the Python of a base,
// so it has to do with any version from 3.7 on and with its standard library.
// There is no Go code here but the program's tests.
package bytecode
