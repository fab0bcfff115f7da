/**
 * Symbolic links: followed by default, to where open(2) would write. Others replace the link by a file when it dangles
 * (write-file-atomic, atomically) or always (steno, fast-write-atomic), and the dotfile repository is no longer linked.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { readFile, stageFile, type WriteFileSyncOptions, writeFile, writeFileSync } from "holdfast";
import { needsPosix } from "../support/needs.ts";
import { leftovers, tempDir } from "../support/temp-dir.ts";

/** Two directories, with a file in the second. */
function twoDirs(t: TestContext): { home: string; repo: string; file: string } {
  const dir = tempDir(t);
  const [home, repo] = [path.join(dir, "home"), path.join(dir, "repo")];
  fs.mkdirSync(home);
  fs.mkdirSync(repo);
  const file = path.join(repo, "settings");
  fs.writeFileSync(file, "old");
  return { home, repo, file };
}

const WAYS: Readonly<Record<string, (file: string | URL, text: string, options?: WriteFileSyncOptions) => Promise<unknown>>> = {
  async: writeFile,
  sync: async (file, text, options) => writeFileSync(file, text, options),
  staged: async (file, text, options) => {
    const staged = await stageFile(file, options);
    await staged.write(text);
    await staged.commit();
  },
};

const isLink = (at: string): boolean => fs.lstatSync(at).isSymbolicLink();

for (const [way, write] of Object.entries(WAYS)) {
  describe(`symbolic links, ${way}`, { skip: needsPosix }, () => {
    const follows = async (
      t: TestContext,
      makeLinks: (dirs: { home: string; repo: string; file: string }) => string,
    ): Promise<void> => {
      const dirs = twoDirs(t);
      const at = makeLinks(dirs);
      await write(at, "new");
      assert.ok(isLink(at), "the link stays a link");
      assert.ok(!isLink(dirs.file));
      assert.equal(fs.readFileSync(dirs.file, "utf8"), "new");
      assert.equal(Buffer.from(await readFile(at)).toString(), "new");
      for (const dir of [dirs.home, dirs.repo]) assert.deepEqual(leftovers(dir), []);
    };

    test("an absolute link is followed", (t) =>
      follows(t, ({ home, file }) => {
        fs.symlinkSync(file, path.join(home, "link"));
        return path.join(home, "link");
      }));

    test("a relative link is followed from where it is, not from the working directory", (t) =>
      follows(t, ({ home }) => {
        fs.symlinkSync("../repo/settings", path.join(home, "link"));
        return path.join(home, "link");
      }));

    test("a chain of links is followed to its end", (t) =>
      follows(t, ({ home, repo }) => {
        fs.symlinkSync("../repo/settings", path.join(home, "a"));
        fs.symlinkSync(path.join(home, "a"), path.join(repo, "b"));
        fs.symlinkSync("../repo/b", path.join(home, "c"));
        return path.join(home, "c");
      }));

    test("the text of a link may lead through another link with .. behind it", (t) =>
      follows(t, ({ home, repo }) => {
        // "deep/../settings" is repo/settings, as deep leads to repo/sub; folded as text it would be home/settings.
        fs.mkdirSync(path.join(repo, "sub"));
        fs.symlinkSync(path.join(repo, "sub"), path.join(home, "deep"));
        fs.symlinkSync("deep/../settings", path.join(home, "link"));
        return path.join(home, "link");
      }));

    test("a link below a linked directory is followed from the real directory", (t) =>
      follows(t, ({ home, repo }) => {
        fs.mkdirSync(path.join(repo, "sub"));
        fs.symlinkSync("../settings", path.join(repo, "sub", "link"));
        fs.symlinkSync(path.join(repo, "sub"), path.join(home, "sub"));
        return path.join(home, "sub", "link");
      }));

    test("a dangling link creates the file it names, and stays a link", async (t) => {
      const { home, repo } = twoDirs(t);
      const link = path.join(home, "link");
      fs.symlinkSync("../repo/fresh", link);
      await write(link, "new");
      assert.ok(isLink(link));
      assert.equal(fs.readFileSync(path.join(repo, "fresh"), "utf8"), "new");
      assert.ok(!isLink(path.join(repo, "fresh")));
    });

    test("a link into a directory that does not exist is NOT_FOUND, and stays", async (t) => {
      const { home } = twoDirs(t);
      fs.symlinkSync("../absent/file", path.join(home, "link"));
      await assert.rejects(write(path.join(home, "link"), "new"), { code: "NOT_FOUND", outcome: "unchanged" });
      assert.equal(fs.readlinkSync(path.join(home, "link")), "../absent/file");
    });

    test("a loop is SYMLINK", async (t) => {
      const { home } = twoDirs(t);
      fs.symlinkSync("b", path.join(home, "a"));
      fs.symlinkSync("a", path.join(home, "b"));
      fs.symlinkSync("self", path.join(home, "self"));
      for (const name of ["a", "self"])
        await assert.rejects(write(path.join(home, name), "new"), { code: "SYMLINK", outcome: "unchanged" });
      assert.deepEqual(fs.readdirSync(home).sort(), ["a", "b", "self"]);
    });

    test("40 links are followed, as Linux does, and 41 are not", async (t) => {
      const { home, file } = twoDirs(t);
      fs.symlinkSync(file, path.join(home, "1"));
      for (let nth = 2; nth <= 41; nth++) fs.symlinkSync(String(nth - 1), path.join(home, String(nth)));
      await write(path.join(home, "40"), "new");
      assert.equal(fs.readFileSync(file, "utf8"), "new");
      await assert.rejects(write(path.join(home, "41"), "newer"), { code: "SYMLINK" });
      assert.equal(fs.readFileSync(file, "utf8"), "new");
    });

    test('"replace" replaces the link and leaves its target alone', async (t) => {
      const { home, file } = twoDirs(t);
      fs.chmodSync(file, 0o600);
      for (const target of [file, "../repo/absent", "link"]) {
        const link = path.join(home, "link");
        fs.rmSync(link, { force: true });
        fs.symlinkSync(target, link);
        await write(link, "new", { symlink: "replace" });
        assert.ok(!isLink(link));
        assert.equal(fs.readFileSync(link, "utf8"), "new");
        assert.equal(fs.statSync(link).mode & 0o777, 0o666 & ~process.umask(), "the mode of a link is no file's mode");
      }
      assert.equal(fs.readFileSync(file, "utf8"), "old");
      assert.deepEqual(leftovers(home), []);
    });

    test('"refuse" refuses a link, dangling too, and writes what is none', async (t) => {
      const { home, file } = twoDirs(t);
      fs.symlinkSync(file, path.join(home, "link"));
      fs.symlinkSync("absent", path.join(home, "dangling"));
      for (const name of ["link", "dangling"]) {
        const refused = write(path.join(home, name), "new", { symlink: "refuse" });
        await assert.rejects(refused, { code: "SYMLINK", outcome: "unchanged" });
        assert.ok(isLink(path.join(home, name)));
      }
      assert.equal(fs.readFileSync(file, "utf8"), "old");
      await write(file, "new", { symlink: "refuse" });
      assert.equal(fs.readFileSync(file, "utf8"), "new");
    });

    test("links in the middle of a path are followed under every policy", async (t) => {
      const { home, repo, file } = twoDirs(t);
      fs.symlinkSync(repo, path.join(home, "repo"));
      for (const symlink of ["follow", "replace", "refuse"] as const) {
        await write(path.join(home, "repo", "settings"), symlink, { symlink });
        assert.equal(fs.readFileSync(file, "utf8"), symlink);
      }
      assert.ok(isLink(path.join(home, "repo")));
    });

    test("a link to a directory is a directory", async (t) => {
      const { home, repo } = twoDirs(t);
      fs.symlinkSync(repo, path.join(home, "repo"));
      await assert.rejects(write(path.join(home, "repo"), "new"), { code: "NOT_A_FILE" });
      assert.ok(isLink(path.join(home, "repo")));
    });

    test("a file URL names the same file", async (t) => {
      const { home, file } = twoDirs(t);
      fs.symlinkSync(file, path.join(home, "a link #1"));
      await write(pathToFileURL(path.join(home, "a link #1")), "new");
      assert.equal(fs.readFileSync(file, "utf8"), "new");
    });
  });
}
