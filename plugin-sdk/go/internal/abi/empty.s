// The compiler takes functions without a body, such as imports by linkname, only in packages with assembly.
