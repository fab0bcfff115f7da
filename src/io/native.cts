// Loads the optional native lock at its first use. CommonJS, as only that can load a package synchronously, later, and
// without `import.meta`, which bundlers to CommonJS do not have.
function loadNativeLock(): unknown {
  return require("fs-native-extensions");
}
export = { loadNativeLock };
