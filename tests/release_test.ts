import { assert, assertEquals } from "@std/assert";

const root = new URL("../", import.meta.url);

function read(path: string): string {
  return Deno.readTextFileSync(new URL(path, root));
}

/** The text without whole lines of comment. */
function uncommented(text: string): string {
  return text.replace(/^\s*#.*\n/gm, "");
}

const RELEASE = uncommented(read(".github/workflows/release.yml"));

/** The blocks below `text` that begin with a line so far to the right. */
function blocks(text: string, start: RegExp): string[] {
  const starts = [...text.matchAll(start)].map(({ index }) => index);
  return starts.map((at, i) => text.slice(at, starts[i + 1]));
}

/** The jobs of the release by name. */
const jobs = new Map(
  blocks(RELEASE.slice(RELEASE.indexOf("\njobs:")), /^ {2}(?=\w+:$)/gm)
    .map((text) => [text.slice(2, text.indexOf(":")), text]),
);

function stepsOf(job: string): string[] {
  return blocks(job, /^ {6}(?=- )/gm);
}

/** What a job may do with the repository. */
function permissionsOf(job: string): Record<string, string> {
  const listed = /^ {4}permissions:\n((?: {6}.*\n)+)/m.exec(job)?.[1] ?? "";
  return Object.fromEntries(
    listed.trim().split(/\n\s*/).map((line) => line.split(": ")),
  );
}

/** What jobs that publish may do, by their names. */
const PERMISSIONS: Record<string, Record<string, string>> = {
  publish: { contents: "write", "id-token": "write", attestations: "write" },
  package: { contents: "read", "id-token": "write" },
};

Deno.test("only what publishes may change anything, and runs nothing of the repository or its packages", () => {
  assert(/^permissions: \{\}$/m.test(RELEASE));
  assertEquals([...jobs.keys()], [
    "test",
    "build",
    "try",
    "texts",
    "publish",
    "package",
  ]);
  for (const [name, job] of jobs) {
    assertEquals(
      permissionsOf(job),
      PERMISSIONS[name] ?? { contents: "read" },
      name,
    );
  }
  const publish = jobs.get("publish")!;
  assert(/needs: \[test, build, try, texts\]/.test(publish));
  assertEquals(publish.match(/checkout|help --man|\b(npm|npx|deno)\b/g), null);
  assertEquals(jobs.get("package")!.match(/run: .*/g), [
    "run: npm install --global deno@2.9.6",
    "run: deno publish",
  ]);
});

Deno.test("the token is given to the steps that publish alone", () => {
  const [head] = RELEASE.split("\njobs:");
  assertEquals(head!.match(/token/gi), null);
  for (const [name, job] of jobs) {
    const steps = stepsOf(job);
    const before = job.slice(0, job.indexOf(steps[0]!));
    assertEquals(before.match(/github\.token|secrets|GH_TOKEN/g), null, name);
    for (const step of steps) {
      const token = /github\.token|secrets|GH_TOKEN/.test(step);
      const publishes = name === "publish" && /\bgh release\b/.test(step);
      assertEquals(token, publishes, step);
      if (/checkout@/.test(step)) {
        assert(/persist-credentials: false/.test(step), step);
      }
    }
  }
});

Deno.test("a binary is made where no test has run, and what is published is what was attested", () => {
  const build = jobs.get("build")!;
  assertEquals(build.match(/deno (task )?test/g), null);
  const publish = jobs.get("publish")!;
  assert(
    publish.indexOf("actions/attest-build-provenance@") <
      publish.indexOf("gh release upload"),
  );
  assert(/subject-path: dist\/ferry-linux-\*/.test(publish));
  assert(/sha256sum ferry\* > SHA256SUMS/.test(publish));
});

Deno.test("every action is pinned by the hash of a commit", () => {
  for (const name of ["release.yml", "test.yml"]) {
    const text = uncommented(read(`.github/workflows/${name}`));
    const uses = text.match(/uses:.*/g) ?? [];
    assert(uses.length > 0);
    for (const one of uses) {
      assert(
        /^uses: [\w.-]+\/[\w.\/-]+@[0-9a-f]{40} # v[\d.]+$/.test(one),
        one,
      );
    }
  }
});

Deno.test("a release is made of the real packages alone", async () => {
  assert(/^env:\n {2}FERRY_REAL_STD: "1"\n/m.test(RELEASE));
  assertEquals(RELEASE.match(/JSR_URL|no-lock|FERRY_REAL_STD: "?0/g), null);
  // Whatever the network: stand-ins that were chosen before do not do
  const JSR_URL = new URL(".ci/jsr/", root).href;
  const withStd = (env: Record<string, string>) =>
    new Deno.Command(new URL(".ci/with-std", root), {
      args: ["echo", "ran"],
      env: { JSR_URL, ...env },
    }).output();
  const refused = await withStd({ FERRY_REAL_STD: "1" });
  assertEquals([refused.code, refused.stdout.length], [1, 0]);
  const said = new TextDecoder().decode(refused.stderr);
  assert(/^JSR_URL is .* allows https:\/\/jsr\.io\/ alone\n$/.test(said), said);
  assertEquals((await withStd({ FERRY_REAL_STD: "" })).code, 0);
});

interface Lock {
  readonly specifiers: Record<string, string>;
  readonly jsr: Record<string, { readonly integrity: string }>;
  readonly npm: Record<string, { readonly integrity: string }>;
}

Deno.test("the lock is frozen and has a hash of every package, and nothing of this machine", () => {
  const { lock, imports } = JSON.parse(read("deno.json")) as {
    lock: unknown;
    imports: Record<string, string>;
  };
  assertEquals(lock, { path: ".ci/deno.lock", frozen: true });
  const text = read(".ci/deno.lock");
  assertEquals(text.match(/file:|\/(home|root|tmp|work)\//g), null);
  const { specifiers, jsr, npm } = JSON.parse(text) as Lock;
  for (const one of Object.values(imports)) {
    assert(specifiers[one] !== undefined, one);
  }
  for (const [specifier, version] of Object.entries(specifiers)) {
    const [, kind, name] = /^(jsr|npm):(.+)@/.exec(specifier)!;
    assert(`${name}@${version}` in (kind === "jsr" ? jsr : npm), specifier);
  }
  for (const { integrity } of Object.values(jsr)) {
    assert(/^[0-9a-f]{64}$/.test(integrity));
  }
  for (const { integrity } of Object.values(npm)) {
    assert(/^sha512-[\w+/]{86}==$/.test(integrity));
  }
});

Deno.test("the lock tells the real packages from others: a registry that serves the stand-ins is refused", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      const file = new URL(`.ci/jsr${pathname}`, root);
      const body = await Deno.readFile(file).catch(() => undefined);
      return new Response(body, { status: body === undefined ? 404 : 200 });
    },
  );
  const cache = await Deno.makeTempDir({ prefix: "ferry-test-" });
  try {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["cache", "--quiet", "tests/release_test.ts"],
      cwd: root,
      env: {
        JSR_URL: `http://127.0.0.1:${server.addr.port}/`,
        DENO_DIR: cache,
        NO_COLOR: "1",
      },
    }).output();
    const said = new TextDecoder().decode(stderr);
    assert(code !== 0 && said.includes("Integrity check failed"), said);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("the README installs a release and not whatever is in the repository, and says how to verify it", () => {
  const readme = read("README.md");
  assert(/gh release download .*--pattern SHA256SUMS/.test(readme));
  assert(!/(raw\.githubusercontent\.com|\/blob\/)/.test(readme));
  assert(/sha256sum --check/.test(readme));
  assert(/gh attestation verify \S.* --repo /.test(readme));
});
