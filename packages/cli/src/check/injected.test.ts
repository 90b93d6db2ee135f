/** What inject adds is what check asks for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInject } from "../inject/command-line.ts";
import { inject } from "../inject/inject.ts";
import { checkManifests } from "./check.ts";

const POD = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  template:
    metadata:
      labels:
        app: shop
    spec:
      containers:
        - name: web
          image: acme/shop:1
          ports:
            - containerPort: 3000
---
apiVersion: v1
kind: Service
metadata:
  name: shop
spec:
  selector:
    app: shop
  ports:
    - port: 80
      targetPort: 8080
`;

for (const words of [
  ["--ambassador=80=http://catalog:80", "--gate=8080=http://127.0.0.1:3000"],
  ["--classic", "--ambassador=8001=http://catalog:8001", "--gate=8080=http://127.0.0.1:3000"],
  ["--drain-token=other", "--gate=8080=http://127.0.0.1:3000"],
]) {
  test(`inject ${words.join(" ")}: check finds nothing`, async () => {
    const { output } = await inject([{ file: "shop.yaml", text: POD }], parseInject(words), () =>
      Promise.resolve(undefined),
    );
    const { found, patterns } = await checkManifests([{ file: "shop.yaml", text: output }]);
    assert.deepEqual([found, patterns], [[], 1]);
  });
}

test("what inject has added is looked at whatever registry --image-prefix names", async () => {
  const words = ["--image-prefix=r.example/platform", "--gate=8080=http://127.0.0.1:3000"];
  const { output } = await inject([{ file: "shop.yaml", text: POD }], parseInject(words), () =>
    Promise.resolve(undefined),
  );
  const broken = output.replace("path: /drain", "path: /drian");
  const { found, patterns } = await checkManifests([{ file: "shop.yaml", text: broken }]);
  assert.deepEqual([found.map(({ id }) => id), patterns], [["gate-pre-stop-path"], 1]);
});
