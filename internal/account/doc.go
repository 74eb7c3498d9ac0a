// Package account makes the layer that lets a user work in an image: the
// account as shadow's useradd makes it, its home, the owners of directories,
// and certificate authorities if the base has none.
//
// It only reads the files of the base and runs none of them, so that the base
// may be of any architecture. What it writes is laid upon the base:
//
//   - Only what changes is written. Files that are written anew get the time
//     tree.ModTime, files of which only the owner changes keep theirs.
//   - Directories above it have the base's mode, owner and time, so that they
//     stay as they are. Their extended attributes are not copied.
//   - A path is followed through the base's symbolic links before anything is
//     written there (/home -> var/home): a directory laid upon a link would
//     replace it. Links are followed inside the base alone, as if it were /.
//
// The same base and options give the same bytes. For that, the day of the last
// change of the password, which useradd writes into /etc/shadow, stays empty:
// there is no such day (shadow(5)), and nothing ages.
//
// The user is also a member of the group root, to which the environment
// belongs (package tree): thereby the packages' layers are the same for every
// base and user.
package account
