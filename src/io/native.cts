// Loads the optional native lock at its first use. CommonJS, as only that can load a package synchronously, later, and
// without `import.meta`, which bundlers to CommonJS do not have.
// Inside `try`, a bundler takes the package for optional, as it is.
function loadNativeLock(): { readonly addon: unknown } | { readonly failure: unknown } {
  try {
    return { addon: require("fs-native-extensions") };
  } catch (failure) {
    return { failure };
  }
}
export = { loadNativeLock };
