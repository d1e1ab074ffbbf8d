// Package htpasswd reads htpasswd files as users of package basic, and verifies the hashes that such files hold.
//
//	users, err := htpasswd.Open(htpasswd.Config{Path: "users.htpasswd", Hasher: hasher})
//
// Write files with bcrypt (htpasswd -B) or with password.Hasher.Hash. Files with $apr1$, {SHA} or crypt(3) hashes are
// refused, line by line, unless the hasher has [WeakSchemes]: they are for importing such users into a store that
// replaces their hashes at the next login.
//
// # Security considerations
//
// A changed file is taken as a whole or not at all. Replace it by renaming a new one over it; a file that is written in
// place can be read half-way at a line's end, which nobody can tell from a file with fewer users.
//
// Errors name lines by number and never by content.
//
// # Limits
//
//   - MaxFileBytes: 16 MiB a file. MaxLineBytes: 4096 bytes a line.
//   - Config.Check: 1 s between looks at the file, maximum 1 h.
//   - $5$ and $6$: 1000 to 1000000 rounds.
package htpasswd
