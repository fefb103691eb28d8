{
  description = "Runs anywidget front-end modules in any web page";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      packages = each (pkgs: {
        default = pkgs.rustPlatform.buildRustPackage {
          pname = "anywidget-host";
          version = (builtins.fromTOML (builtins.readFile ./Cargo.toml)).package.version;
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          # The tests of a package build open no sockets and no browser.
          cargoTestFlags = [ "--lib" ];
          meta = {
            description = "Runs anywidget front-end modules in any web page";
            license = pkgs.lib.licenses.mit;
            mainProgram = "anywidget-host";
          };
        };
      });

      apps = each (pkgs: {
        default = {
          type = "app";
          program = pkgs.lib.getExe self.packages.${pkgs.system}.default;
        };
      });

      devShells = each (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ self.packages.${pkgs.system}.default ];
          packages = [ pkgs.cargo-nextest pkgs.clippy pkgs.rustfmt pkgs.nodejs pkgs.python3 pkgs.python3Packages.pip ]
            ++ pkgs.lib.optional pkgs.stdenv.isLinux pkgs.chromium;
          CHROMIUM = pkgs.lib.optionalString pkgs.stdenv.isLinux (pkgs.lib.getExe pkgs.chromium);
        };
      });
    };
}
